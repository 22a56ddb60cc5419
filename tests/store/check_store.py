"""A release in a real S3 server on this machine, behind a network that fails. Usage: check_store.py OUT RADLOOM

Every verb that takes an address gives what it gives for the folder, whatever the network does, or says what is wrong.
"""

import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3
from faulty import Faulty
from moto.server import ThreadedMotoServer

BUCKET = "corpus"
MANIFEST = """version = 1
name = "from-a-store"

[corpus]
layout = "ct-rate"
root = "."

[[view]]
name = "mg3d"
preset = "mg3d"

[train]
steps = 3
view = "mg3d"
batch = 2
release = "RELEASE"

[train.model]
preset = "tiny"
patch = [16, 16, 16]
embed_dim = 12
heads = [2, 4]
window = [4, 3, 4]

[release]
out = "OUT"
"""


class Store:
    def __init__(self, out, radloom, work):
        self.release, self.radloom, self.work = out / "release", radloom, work
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        self.direct = f"http://{host}:{port}"
        self.proxy = Faulty((host, port), seed=7)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.client = boto3.client("s3", endpoint_url=self.direct, region_name="us-east-1", **keys)
        self.client.create_bucket(Bucket=BUCKET)
        self.upload("release")
        self.caches = 0

    def upload(self, prefix):
        for path in self.release.rglob("*"):
            if path.is_file():
                key, public = f"{prefix}/{path.relative_to(self.release)}", {"ACL": "public-read"}
                self.client.upload_file(str(path), BUCKET, key, ExtraArgs=public)

    def environment(self, cache=None, **more):
        if cache is None:
            self.caches += 1
            cache = self.work / f"cache-{self.caches}"
        return {
            **os.environ,
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.proxy.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "RADLOOM_CACHE": str(cache),
            **more,
        }

    def run(self, *arguments, environment=None):
        command = [self.radloom, *map(str, arguments)]
        environment = environment or self.environment()
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def done(self, *arguments, environment=None):
        finished = self.run(*arguments, environment=environment)
        assert finished.returncode == 0, (arguments, finished.stdout, finished.stderr)
        return finished.stdout

    def bench(self, place, environment=None):
        out = self.done("loader", "bench", place, "--batch", 2, "--json", environment=environment)
        return json.loads(out)["order_hash"]

    def losses(self, place, name):
        manifest = self.work / f"{name}.toml"
        text = MANIFEST.replace("RELEASE", str(place)).replace("OUT", str(self.work / name))
        manifest.write_text(text)
        lines = self.done("train", manifest, "--json", "--quiet").splitlines()
        return [json.loads(line)["loss"] for line in lines]


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(out, radloom):
    # The server writes a line a request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        store = Store(pathlib.Path(out), radloom, work)
        address = f"s3://{BUCKET}/release"
        local = store.bench(store.release)
        wanted = store.losses(store.release, "local")

        for place in (address, f"s3://{BUCKET}", f"{store.direct}/{BUCKET}/release"):
            assert store.bench(place) == local, place
            print(f"{place.replace(store.direct, 'http://HOST')}: the order and voxels of the folder")

        store.proxy.on = True
        for _ in range(3):
            assert store.bench(address) == local
            assert json.loads(store.done("release", "verify", address, "--json"))["ok"]
        assert store.losses(address, "remote") == wanted, "bit-equal losses"
        page = json.loads(store.done("show", address, "--out", work / "page", "--json"))
        assert "<svg" in pathlib.Path(page["gallery"]).read_text()
        assert all(store.proxy.counts.values()), store.proxy.counts
        print(f"with {store.proxy.counts}: loads, verifies, trains and shows as the folder does")
        store.proxy.on = False

        # Two processes at once share a cache, and a third reads nothing from the store but sums.
        cache = work / "shared"
        environment = store.environment(cache)
        command = [radloom, "loader", "bench", address, "--batch", "2", "--json"]
        pair = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        found = {json.loads(process.communicate()[0])["order_hash"] for process in pair}
        assert found == {local}
        before = size_of(cache)
        assert store.bench(address, environment) == local and size_of(cache) == before
        assert not list((cache / "partial").iterdir()), "a part was left"
        # A cache for two tensors holds no more, and one for none says so.
        tensor = max(path.stat().st_size for path in (cache / "tensors").iterdir())
        mib = -(-2 * tensor // 2**20)
        small = work / "small"
        assert store.bench(address, store.environment(small, RADLOOM_CACHE_MIB=str(mib))) == local
        assert size_of(small / "tensors") <= mib << 20
        refused = store.run(
            "loader", "bench", address, environment=store.environment(RADLOOM_CACHE_MIB="0")
        )
        assert refused.returncode == 1 and "RADLOOM_CACHE_MIB" in refused.stderr, refused.stderr
        print(f"cache: shared by processes, {size_of(small / 'tensors')} bytes with a budget of {mib} MiB")

        # Damage at rest is found and named, and never read.
        shard = next(path for path in store.release.rglob("*.arrow"))
        name = str(shard.relative_to(store.release))
        content = bytearray(shard.read_bytes())
        content[len(content) // 3] ^= 1
        store.upload("damaged")
        store.client.put_object(Bucket=BUCKET, Key=f"damaged/{name}", Body=bytes(content))
        damaged = f"s3://{BUCKET}/damaged"
        verified = store.run("release", "verify", damaged, "--json")
        errors = json.loads(verified.stdout)["errors"]
        assert verified.returncode == 1 and [error["file"] for error in errors] == [name], errors
        results = [
            store.run("loader", "bench", damaged, "--split", split, "--batch", 1, "--json")
            for split in ("train", "val", "test")
        ]
        refused = [result for result in results if result.returncode == 1 and "is damaged" in result.stderr]
        assert refused and all(name in result.stderr for result in refused), results
        store.client.delete_object(Bucket=BUCKET, Key=f"damaged/{name}")
        verified = store.run("release", "verify", damaged, "--json")
        assert "has no" in json.loads(verified.stdout)["errors"][0]["what"], verified.stdout
        store.client.put_object(Bucket=BUCKET, Key="release/extra.txt", Body=b"more")
        errors = json.loads(store.run("release", "verify", address, "--json").stdout)["errors"]
        assert [error["file"] for error in errors] == ["extra.txt"], errors
        store.client.put_object(Bucket=BUCKET, Key="private/SHA256SUMS", Body=b"")
        private = store.run("release", "verify", f"{store.direct}/{BUCKET}/private")
        assert private.returncode == 1 and "privileges" in private.stderr, private.stderr
        nothing = store.run("release", "verify", f"s3://{BUCKET}/nothing")
        assert nothing.returncode == 1 and "is not a release" in nothing.stderr, nothing.stderr
        print(f"damage: `{name}` is named by verify and by loading; what is missing or too much is named")


if __name__ == "__main__":
    main(*sys.argv[1:])
