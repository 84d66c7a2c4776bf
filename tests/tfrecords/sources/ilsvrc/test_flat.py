from tests.tfrecords.sources.conftest import SIZES
from tfrecords import build
from tfrecords.sources import open_source
from tfrecords.sources.ilsvrc import facts

KINDS = {
    "tars": "tar",
    "folders": "folder",
    "flat": "flat",
    "kaggle": "kaggle",
    "lists": "list",
}


def test_every_layout_lists_the_same_pictures(forms):
    listings = {}
    for form, kind in KINDS.items():
        source = open_source(forms / form)
        assert (source.kind, source.name) == (kind, "imagenet2012")
        assert source.labels == facts.synsets()
        assert source.words[0] == "tench, Tinca tinca"
        assert source.validation_fraction == 0
        assert any("here are 1,000 and 30" in note for note in source.notes)
        listings[form] = [
            (s.key, s.label, s.split, s.size, s.origin.read()) for s in source.samples
        ]
    for form in KINDS:
        assert listings[form] == listings["folders"]


def test_every_layout_gives_the_same_shard_bytes(forms, tmp_path):
    answers = facts.validation_synsets()[: SIZES[1]]
    classes = sorted({*answers, *facts.synsets()[:4]})
    shards = {}
    for form in KINDS:
        out = tmp_path / form
        options = {"classes": classes, "limit": 20, "seed": 5, "shards": 2}
        build(forms / form, out, **options, processes=1, progress=False)
        shards[form] = {path.name: path.read_bytes() for path in out.glob("*tfrecord*")}
        assert len(shards[form]) == 4
        assert facts.words_of(classes)[0].encode() in b"".join(
            path.read_bytes() for path in out.glob("*.json")
        )
    for form in KINDS:
        assert shards[form] == shards["folders"]
