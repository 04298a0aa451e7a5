"""The API of both releases, alone and together on one database."""

from typing import Any

from flask.testing import FlaskClient

TEXT = "456 Oak Ave, Los Angeles, CA, 90001"
STRUCTURE = {"street": "456 Oak Ave", "city": "Los Angeles", "state": "CA", "zip": "90001"}
URL = "/api/customers"
Both = tuple[FlaskClient, FlaskClient]


def create(client: FlaskClient, email: str = "jane@example.com", **fields: Any) -> dict[str, Any]:
    response = client.post(URL, json={"name": "Jane Smith", "email": email, **fields})
    assert response.status_code == 201, response.json
    return response.json


def test_v1_creates_reads_updates_and_deletes(v1: FlaskClient) -> None:
    response = v1.post(URL, json={"name": "Jane Smith", "email": "jane@example.com", "address": TEXT})
    assert (response.status_code, response.json["address"]) == (201, TEXT)
    where = response.headers["Location"]
    assert v1.get(where).json == response.json
    changed = v1.put(where, json={"address": "elsewhere"}).json
    assert (changed["name"], changed["email"], changed["address"]) == ("Jane Smith", "jane@example.com", "elsewhere")
    assert changed["updated_at"] > changed["created_at"]
    assert (v1.delete(where).status_code, v1.get(where).status_code, v1.delete(where).status_code) == (204, 404, 404)


def test_v2_creates_reads_and_updates_the_structure(v2: FlaskClient) -> None:
    made = create(v2, address=STRUCTURE)
    assert made["address"] == STRUCTURE
    moved = {**STRUCTURE, "street": "999 Updated Ave"}
    assert v2.put(f"{URL}/{made['id']}", json={"address": moved}).json["address"] == moved
    assert v2.get(f"{URL}/{made['id']}").json["address"] == moved


def test_v2_takes_the_string_of_v1(v2: FlaskClient) -> None:
    made = create(v2, address=TEXT)
    assert made["address"] == STRUCTURE
    changed = v2.put(f"{URL}/{made['id']}", json={"address": "c/o Smith"}).json
    assert changed["address"] == {"street": "c/o Smith", "city": None, "state": None, "zip": None}
    assert v2.put(f"{URL}/{made['id']}", json={"address": changed["address"]}).json["address"] == changed["address"]


def test_each_release_reads_what_the_other_wrote(both: Both) -> None:
    v1, v2 = both
    for index, address in enumerate([TEXT, "c/o Smith", "", "1 Main St,  X, IL, 62701", "Königsallee 1", None]):
        for writer, email in ((v1, f"v1-{index}@example.com"), (v2, f"v2-{index}@example.com")):
            where = f"{URL}/{create(writer, email, address=address)['id']}"
            assert v1.get(where).json["address"] == address
            answered = v2.get(where).json["address"]
            assert v2.put(where, json={"address": answered}).json["address"] == answered
            assert v1.get(where).json["address"] == address


def test_versioned_reads_answer_alike_whichever_release_serves(both: Both) -> None:
    v1, v2 = both
    number = create(v2, address=STRUCTURE)["id"]
    assert v1.get(f"/api/v1/customers/{number}").json == v2.get(f"/api/v1/customers/{number}").json
    assert v2.get(f"/api/v1/customers/{number}").json["address"] == TEXT
    assert v2.get(f"/api/v2/customers/{number}").json["address"] == STRUCTURE
    assert v1.get(f"/api/v2/customers/{number}").status_code == 404


def test_no_address_and_its_removal(both: Both) -> None:
    v1, v2 = both
    where = f"{URL}/{create(v2, address=STRUCTURE)['id']}"
    assert v2.put(where, json={"address": None}).json["address"] is None
    assert v1.get(where).json["address"] is None
    assert create(v1, "other@example.com")["address"] is None


def test_the_list_comes_in_pages(v1: FlaskClient) -> None:
    numbers = [create(v1, f"{index}@example.com")["id"] for index in range(5)]
    first = v1.get(f"{URL}?limit=3").json
    assert [customer["id"] for customer in first["customers"]] == numbers[:3]
    second = v1.get(f"{URL}?limit=3&after={first['next']}").json
    assert [customer["id"] for customer in second["customers"]] == numbers[3:]
    assert second["next"] is None


def test_v2_reads_and_writes_only_its_own_columns(v2: FlaskClient, database: Any) -> None:
    database.upgrade("contract@head")
    where = f"{URL}/{create(v2, address=STRUCTURE)['id']}"
    assert v2.get(where).json["address"] == STRUCTURE
    assert v2.put(where, json={"address": TEXT, "name": "John"}).json["name"] == "John"
    assert v2.get("/health").json["schema"] == "compatible"
