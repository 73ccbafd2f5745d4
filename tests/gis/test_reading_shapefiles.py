"""Shapefiles and the zips that they come in: each fault is refused by its own name."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from gis.reading import Limits, read_features, refusals
from tests.gis.reading_files import MEBI, NAMES, SHAPES, SQUARE, write_ogr, zipped


def replace_in_dbf(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new.ljust(len(old))))


def test_mixed_encodings_are_refused_unless_one_is_stated(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES, encoding="UTF-8")
    (tmp_path / "grids.cpg").unlink(missing_ok=True)
    replace_in_dbf(tmp_path / "grids.dbf", "园林办事处".encode(), "园林办事处".encode("gbk"))
    with pytest.raises(refusals.MixedEncodings, match="UTF-8"):
        read_features(path)
    assert read_features(path, encoding="GBK").attributes[1].keys() != {"名称", "code"}


def test_a_wrong_cpg_is_named_and_can_be_overruled(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES, encoding="GBK")
    (tmp_path / "grids.cpg").write_text("UTF-8")
    with pytest.raises(refusals.UndecodableText, match="cpg"):
        read_features(path)
    assert read_features(path, encoding="GBK").attributes[0]["名称"] == NAMES[0]
    with pytest.raises(refusals.UndecodableText, match="Unknown text encoding"):
        read_features(path, encoding="martian")


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    with pytest.raises(refusals.MissingPart, match=part):
        read_features(zipped(tmp_path, leave_out=(part,)))
    (tmp_path / f"grids{part}").unlink()
    with pytest.raises(refusals.MissingPart, match=part):
        read_features(path)


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_part_cut_short_is_refused(tmp_path: Path, part: str) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    cut = tmp_path / f"grids{part}"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(refusals.BrokenFile, match=part):
        read_features(path)


def test_parts_of_different_shapefiles_are_refused(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    write_ogr(tmp_path / "other.shp", [SQUARE], NAMES[:1])
    (tmp_path / "other.dbf").rename(tmp_path / "grids.dbf")
    with pytest.raises(refusals.NotAShapefile, match="records"):
        read_features(path)


def test_a_zip_without_a_shapefile(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"x")
        archive.writestr("__MACOSX/._grids.shp", b"x")
    with pytest.raises(refusals.NotAShapefile, match="no Shapefile"):
        read_features(path)


@pytest.mark.parametrize("name", ["../../etc/passwd.shp", "/etc/grids.shp", "..\\grids.shp", "C:\\grids.shp"])
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(refusals.UnsafeZip, match="outside"):
        read_features(path)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    link = zipfile.ZipInfo("grids.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(refusals.UnsafeZip, match="outside"):
        read_features(path)


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    path = zipped(tmp_path)
    data = bytearray(path.read_bytes())
    start = data.find(b"PK\x01\x02")
    data[start + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(refusals.UnsafeZip, match="password"):
        read_features(path)


def test_a_zip_bomb_is_refused_by_its_ratio_its_size_and_its_number(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("grids.shp", bytes(20 * MEBI))
        archive.writestr("grids.shx", b"x")
        archive.writestr("grids.dbf", b"x")
    with pytest.raises(refusals.ZipBomb):
        read_features(path)
    with pytest.raises(refusals.ZipBomb):
        read_features(path, limits=Limits(zip_ratio=10**6, unzipped_bytes=10 * MEBI))
    with pytest.raises(refusals.ZipBomb, match="3 entries"):
        read_features(path, limits=Limits(zip_members=2))


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("shp", "shx", "dbf"):
            archive.writestr(f"grids.{part}", bytes(20 * MEBI))
    data = path.read_bytes().replace(struct.pack("<I", 20 * MEBI), struct.pack("<I", 1000))
    path.write_bytes(data)
    with pytest.raises((refusals.ZipBomb, refusals.BrokenFile, refusals.NotAShapefile)):
        read_features(path)
