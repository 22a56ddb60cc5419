"""Opens a release with pyarrow, polars, Hugging Face datasets and mlcroissant, and compares what they see."""

import json
import pathlib
import subprocess
import sys
import tempfile

import datasets
import mlcroissant
import numpy
import polars
import pyarrow
import pyarrow.parquet


def main(release: pathlib.Path) -> None:
    index = polars.read_parquet(release / "tables" / "index.parquet")
    assert index.height > 0, "the index is empty"

    # Every tensor lies where the index says, on a page border, and stock pyarrow sees the same bytes.
    for shard in sorted(index["shard"].unique()):
        path = release / shard
        raw = path.read_bytes()
        with pyarrow.memory_map(str(path)) as source:
            reader = pyarrow.ipc.open_file(source)
            metadata = reader.schema.metadata
            assert metadata[b"radloom.rescale_applied"] == b"true"
            rows = index.filter(polars.col("shard") == shard).sort("batch")
            assert reader.num_record_batches == rows.height
            for row in rows.iter_rows(named=True):
                assert row["offset"] % 4096 == 0, row
                batch = reader.get_batch(row["batch"])
                assert batch["sample_id"][0].as_py() == row["sample_id"]
                values = batch["voxels"].flatten().to_numpy().reshape(row["shape"])
                assert values.tobytes() == raw[row["offset"] : row["offset"] + row["length"]]
                assert values.min() < values.max(), "a tensor is constant"
    print(f"pyarrow: {index.height} tensors as the index says")

    # Tables: pyarrow and polars agree, keys refer to what is there, no patient is in two splits.
    tables = {path.stem: path for path in sorted((release / "tables").glob("*.parquet"))}
    for name, path in tables.items():
        stock = pyarrow.parquet.read_table(path)
        assert polars.read_parquet(path).height == stock.num_rows, name
    frames = {name: polars.read_parquet(path) for name, path in tables.items()}
    studies = set(frames["studies"]["study_id"])
    for name in ("reports", "sentences", "nodes", "edges", "labels", "measurements", "volumes"):
        assert set(frames[name]["study_id"]) <= studies, name
    per_patient = frames["index"].group_by("patient_key").agg(polars.col("split").n_unique())
    assert per_patient["split"].max() == 1, "a patient is in two splits"
    texts = {row["study_id"]: row["text"].encode() for row in frames["reports"].iter_rows(named=True)}
    for row in frames["sentences"].iter_rows(named=True):
        piece = texts[row["study_id"]][row["start"] : row["end"]]
        assert piece.decode().strip() == piece.decode() != "", row
    nodes = {(row["study_id"], row["node"]) for row in frames["nodes"].iter_rows(named=True)}
    for row in frames["edges"].iter_rows(named=True):
        assert {(row["study_id"], row["source"]), (row["study_id"], row["target"])} <= nodes
    print(f"polars: {len(tables)} tables, keys refer to rows that are there")

    # Polars reads a shard too.
    first = sorted(index["shard"].unique())[0]
    frame = polars.read_ipc(release / first, columns=["sample_id", "shape", "xxh3"])
    assert frame.height == index.filter(polars.col("shard") == first).height

    # Hugging Face datasets reads tables and shards by the card's own file lists.
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset(
            "parquet", data_files=str(tables["reports"]), split="train", cache_dir=cache
        )
        assert loaded.num_rows == frames["reports"].height
        voxels = datasets.load_dataset(
            "arrow", data_files=[str(release / first)], split="train", cache_dir=cache
        )
        assert voxels.num_rows == frame.height
        row = voxels.with_format("numpy")[0]
        assert numpy.asarray(row["voxels"]).size == int(numpy.prod(row["shape"]))
    print("datasets: reports and voxels load")

    # Croissant: valid, and every record set streams with its hash checked.
    croissant = release / "croissant.json"
    names = [record_set["name"] for record_set in json.loads(croissant.read_text())["recordSet"]]
    dataset = mlcroissant.Dataset(jsonld=str(croissant))
    counts = {}
    for name in names:
        expected = frames[name].height
        if expected == 0:
            continue
        counts[name] = sum(1 for _ in dataset.records(record_set=name))
        assert counts[name] == expected, (name, counts[name], expected)
    command = [
        str(pathlib.Path(sys.executable).parent / "mlcroissant"),
        "load",
        "--jsonld",
        str(croissant),
        "--record_set",
        "studies",
        "--num_records",
        "2",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"mlcroissant: {len(counts)} record sets, {sum(counts.values())} records")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
