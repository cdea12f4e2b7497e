"""Verifies a license and downloads the product's file. Standard library only.

python3 latchkey.py KEY DOMAIN FILE
"""
import hashlib
import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = "__URL__"
PRODUCT = "__PRODUCT_ID__"


class Refused(Exception):
    def __init__(self, answer):
        self.code = answer.headers["X-Error-Code"]
        super().__init__(f"{self.code}: {json.load(answer)['message']}")


def ask(key, domain, method, path):
    headers = {"Authorization": f"Bearer {key}", "X-Domain": domain, "X-Product-ID": PRODUCT}
    try:
        with urlopen(Request(URL + path, headers=headers, method=method), timeout=30) as answer:
            return json.load(answer)["data"]
    except HTTPError as refused:
        raise Refused(refused) from None


def verify(key, domain):
    return ask(key, domain, "GET", "/api/license/verify")


def update(key, domain, version):
    """What is newer than the version that runs here: data["entitled"] says whether this license may have it."""
    return ask(key, domain, "GET", "/api/license/update?version=" + quote(version))


def download(key, domain, file):
    """Streams the file to disk, and compares its hash before it is used."""
    link = ask(key, domain, "POST", "/api/license/download")
    sha256 = hashlib.sha256()
    try:
        with urlopen(link["download_url"], timeout=30) as answer, open(file + ".part", "wb") as part:
            while block := answer.read(65536):
                sha256.update(block)
                part.write(block)
    except HTTPError as refused:
        raise Refused(refused) from None
    if sha256.hexdigest() != link["sha256"]:
        raise OSError("The download is incomplete or damaged")
    os.replace(file + ".part", file)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print("usage: python3 latchkey.py KEY DOMAIN FILE", file=sys.stderr)
        sys.exit(2)
    key, domain, file = sys.argv[1:]
    try:
        print("The license is good for", verify(key, domain)["domain"])
        download(key, domain, file)
        print(f"{file}: {os.path.getsize(file)} bytes")
    except (Refused, OSError) as failure:
        sys.exit(str(failure))
