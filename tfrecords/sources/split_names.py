"""What split a folder's name means, in the spellings that people use."""

import re

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_WORDS = {
    **SPLIT_FOLDERS,
    "tr": "train",
    "trn": "train",
    "trainval": "train",
    "va": "validation",
    "vali": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "te": "test",
    "tst": "test",
}
# What stands around the word, as in train_images, imgs-val, TestSet and train2012.
_AROUND = "images?|imgs?|pictures?|pics?|photos?|files?|data|datasets?|sets?|splits?"
_AROUND += r"|folders?|dirs?|samples?|ilsvrc|imagenet|\d+"
_SPELLING = re.compile(
    f"(?:{_AROUND})*({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?:{_AROUND})*"
)


def split_of(name: str, earlier: bool = False) -> str | None:
    """Return `train`, `validation` or `test` if a name means one of these.

    Case, digits, punctuation and words such as `images` do not matter: `Train`,
    `val_images`, `images-test`, `trainset`, `train2012`.

    Args:
        name: of a folder, without its path.
        earlier: know the seven words alone, as older builds did.
    """
    if earlier:
        return SPLIT_FOLDERS.get(name.lower())
    spelled = _SPELLING.fullmatch(re.sub(r"[\W_]+", "", name.lower()))
    return _WORDS[spelled[1]] if spelled else None
