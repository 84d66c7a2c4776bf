"""Names that operating systems, file servers and zip programs leave behind."""

# Small letters; what starts with a dot, such as .DS_Store, needs no entry.
_FOLDERS = {
    "__macosx",  # zip programs of macOS
    "@eadir",  # Synology: a thumbnail for each picture
    "@tmp",
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
    "~snapshot",  # NetApp
    "$recycle.bin",  # Windows
    "system volume information",
    "lost+found",
    "network trash folder",
    "temporary items",
}
_FILES = {
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "picasa.ini",
    "zbthumbnail.info",
    "synoindex_media_info",
    "icon\r",
    "metadata.json",  # Google Takeout: one for each album
}
_NAMES = _FOLDERS | _FILES | {".ds_store", ".@__thumb"}
_PREFIXES = ("._", "synofile_thumb_", "synophoto_thumb_")
_SUFFIXES = (":zone.identifier", ":encryptable")  # Windows' second streams, copied
_EARLIER = {"thumbs.db", "desktop.ini"}  # all that older builds knew


def is_system(name: str) -> bool:
    """Tell whether a file's or folder's name is known to be no person's choice."""
    name = name.lower()
    return name in _NAMES or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES)


def is_hidden(name: str, earlier: bool = False) -> bool:
    """Tell whether a walk passes over a name: a system's, or one with a dot before.

    Args:
        name: of a file or folder, without its path.
        earlier: judge as older builds did.
    """
    if name.startswith("."):
        return True
    return name.lower() in _EARLIER if earlier else is_system(name)
