-- Customers as years of release v1 leave them: most addresses read `street, city, ST, zip`, the others do not.
INSERT INTO public.customers (name, email, address)
SELECT
    'Customer ' || n,
    'customer-' || n || '@example.com',
    CASE n % 20
        WHEN 0 THEN NULL
        WHEN 1 THEN 'Poste restante'
        WHEN 2 THEN n || ' Main St, Apt 4, Springfield, IL, 62701'
        WHEN 3 THEN n || ' Main St, Springfield, il, 62701'
        WHEN 4 THEN n || ' Main St,Springfield,IL,62701'
        WHEN 5 THEN 'Königsallee ' || n || ', 40212 Düsseldorf, Deutschland'
        WHEN 6 THEN '東京都千代田区' || n
        WHEN 7 THEN ''
        WHEN 8 THEN n || E' Main St\nSpringfield, IL, 62701'
        WHEN 9 THEN n || ' Main St,  Springfield, IL, 62701'
        WHEN 10 THEN 'Calle Ñuñoa ' || n || ', San José, CA, 95101-1234'
        ELSE n || ' Oak Ave, ' || (ARRAY['New York, NY, 10001', 'Los Angeles, CA, 90001', 'Austin, TX, 73301'])[1 + n % 3]
    END
FROM generate_series(1, current_setting('seachange.rows')::bigint) AS n;

ANALYZE public.customers;
