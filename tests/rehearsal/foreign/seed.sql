INSERT INTO parcels (id, sender, weight_kg)
SELECT gen_random_uuid(), 'sender ' || n, ((n * 7919) % 30000 + 1) / 1000.0
FROM generate_series(1, current_setting('seachange.rows')::bigint) AS n;

INSERT INTO scans (parcel_id, place) SELECT id, 'Gent' FROM parcels WHERE weight_kg < 10;

ANALYZE parcels, scans;
