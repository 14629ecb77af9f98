"""Files that users name: written whole, never in place of a link, a pipe or a device."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nclib import _files
from nclib._files import write_whole

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and masks of Unix")


@pytest.fixture
def masked():
    """Set a umask for the time of a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o000, 0o027])
def test_a_new_file_has_what_the_umask_leaves(tmp_path, masked, mask):
    masked(mask)
    write_whole(tmp_path / "new", b"x")
    (tmp_path / "by the system").write_bytes(b"x")
    assert mode(tmp_path / "new") == mode(tmp_path / "by the system") == 0o666 & ~mask


@pytest.mark.parametrize("old", [0o600, 0o644, 0o664, 0o755, 0o400])
def test_a_file_keeps_its_permissions(tmp_path, masked, old):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(old)
    masked(0o077)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == old


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 12346)
    write_whole(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "real.html"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "one").symlink_to("there/real.html")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for path in (tmp_path / "one", tmp_path / "two"):
        write_whole(path, f"by {path.name}".encode())
        assert target.read_bytes() == f"by {path.name}".encode()
        assert path.is_symlink()
        assert mode(target) == 0o640
    assert (tmp_path / "one").readlink() == Path("there/real.html")
    assert names(tmp_path) == ["one", "there", "two"]
    assert names(tmp_path / "there") == ["real.html"]


def test_a_link_to_nothing_makes_its_target(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/new")
    write_whole(tmp_path / "link", b"x")
    assert (tmp_path / "there" / "new").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to(tmp_path, linked):
    pipe, path = tmp_path / "pipe", tmp_path / "pipe"
    os.mkfifo(pipe)
    if linked:
        path = tmp_path / "link"
        path.symlink_to("pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(path, b"all of it" * 10_000)
    reader.join()
    assert read == [b"all of it" * 10_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == (["link", "pipe"] if linked else ["pipe"])


def test_a_device_is_written_to(tmp_path):
    """A terminal of its own stands for all devices; the machine's are left alone."""
    import pty

    primary, secondary = pty.openpty()
    link = tmp_path / "terminal"
    link.symlink_to(os.ttyname(secondary))
    write_whole(link, b"hello")
    assert os.read(primary, 5) == b"hello"
    assert link.is_symlink()
    assert stat.S_ISCHR(link.stat().st_mode)
    assert names(tmp_path) == ["terminal"]
    os.close(primary)
    os.close(secondary)


STDOUT = """
import sys
from nclib._files import write_whole
sys.stdout.write("before\\n")
sys.stdout.flush()
write_whole(sys.argv[1], b"the report\\n")
sys.stdout.write("after\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="needs /proc")
@pytest.mark.parametrize("target", ["/proc/self/fd/1", "/dev/fd/1"])
@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_the_standard_output_gets_it_in_its_place(tmp_path, target, kind):
    """Through a link of the test's own: /dev/stdout is one too, but that of the machine."""
    link = tmp_path / "stdout"
    link.symlink_to(target)
    command = [sys.executable, "-c", STDOUT, str(link)]
    if kind == "pipe":
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        with (tmp_path / "out").open("w") as file:
            subprocess.run(command, stdout=file, check=True)
        text = (tmp_path / "out").read_text()
    assert text == "before\nthe report\nafter\n"
    assert link.readlink() == Path(target)


@pytest.fixture
def own_file(tmp_path):
    """A file that this process has open, with something in it."""
    with (tmp_path / "out").open("w+b", buffering=0) as file:
        file.write(b"before ")
        yield file


def content(file):
    return Path(file.name).read_bytes()


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize("of", ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", "by number"])
def test_an_open_file_of_this_process_is_written_on(own_file, tmp_path, of):
    folder = f"/proc/{os.getpid()}/fd" if of == "by number" else of
    write_whole(f"{folder}/{own_file.fileno()}", b"and ")
    (tmp_path / "link").symlink_to(f"{folder}/{own_file.fileno()}")
    write_whole(tmp_path / "link", b"after")
    assert content(own_file) == b"before and after"


@needs_proc
def test_an_open_file_of_another_process_is_none_of_this_one(tmp_path):
    with (tmp_path / "theirs").open("wb") as file:
        number = file.fileno()
        command = [sys.executable, "-c", "input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number]) as process:
            with (tmp_path / "ours").open("wb") as ours:
                os.dup2(ours.fileno(), number)
                write_whole(f"/proc/{process.pid}/fd/{number}", b"x")
            process.communicate(b"\n")
    assert (tmp_path / "ours").read_bytes() == b""
    assert (tmp_path / "theirs").read_bytes() == b"x"


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="systems follow other numbers of links")
def test_as_many_links_are_followed_as_the_system_does(own_file, tmp_path):
    target = f"/proc/self/fd/{own_file.fileno()}"
    for number in range(40):
        (tmp_path / f"{number}").symlink_to(target)
        target = tmp_path / f"{number}"
    write_whole(tmp_path / "38", b"and after")
    assert content(own_file) == b"before and after"
    with pytest.raises(OSError, match="Too many levels") as caught:
        write_whole(tmp_path / "39", b"never")
    assert caught.value.filename == str(tmp_path / "39")
    assert content(own_file) == b"before and after"


def test_a_path_that_no_system_has_is_refused():
    with pytest.raises(ValueError, match="null"):
        write_whole("a\0b", b"x")


def test_the_name_is_brought_to_the_disk_too(tmp_path, monkeypatch):
    synced = []

    def sync(descriptor):
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(_files.os, "fsync", sync)
    write_whole(tmp_path / "a", b"x")
    assert synced == [False, True]


@pytest.mark.parametrize(("number", "raised"), [(22, False), (95, False), (13, False), (5, True)])
def test_folders_that_cannot_be_brought_to_the_disk_are_no_error(
    tmp_path, monkeypatch, number, raised
):
    def sync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_files.os, "fsync", sync)
    if raised:
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            write_whole(tmp_path / "a", b"x")
        assert caught.value.filename == str(tmp_path / "a")
    else:
        write_whole(tmp_path / "a", b"x")
    assert names(tmp_path) == ["a"]


def test_where_no_file_can_be_made_the_system_says_why(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(PermissionError, match="Permission denied") as caught:
        write_whole(tmp_path / "a", b"x")
    assert caught.value.filename == str(tmp_path / "a")


def test_an_error_that_is_none_of_the_systems_is_left_as_it_is(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("something else")

    monkeypatch.setattr(_files.os, "fsync", broken)
    with pytest.raises(OSError, match=r"^something else$") as caught:
        write_whole(tmp_path / "a", b"x")
    assert caught.value.filename is None
    assert names(tmp_path) == []


def test_errors_name_what_was_asked_for(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("nowhere/at/all")
    before = names(tmp_path)
    for name, kind in (
        ("none/report.html", FileNotFoundError),
        ("link", FileNotFoundError),
        ("folder", IsADirectoryError),
        ("file/report.html", NotADirectoryError),
        ("loop", OSError),
        ("n" * 300, OSError),
    ):
        with pytest.raises(kind) as caught:
            write_whole(tmp_path / name, b"x")
        assert caught.value.filename == str(tmp_path / name)
        assert caught.value.filename2 is None
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        write_whole("none/report.html", b"x")
    assert caught.value.filename == "none/report.html"
    assert names(tmp_path) == before


def test_a_long_name_is_no_error(tmp_path):
    name = "ä" * 127  # 254 bytes, of which a system allows 255
    write_whole(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_an_error_half_way_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, at):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")

    def full(*_):
        raise OSError(28, "No space left on device", "a scratch file")

    monkeypatch.setattr(_files.os, at, full)
    for name in ("real", "link"):
        with pytest.raises(OSError, match="No space left") as caught:
            write_whole(tmp_path / name, b"new")
        assert caught.value.filename == str(tmp_path / name)
        assert (tmp_path / "real").read_bytes() == b"old"
        assert names(tmp_path) == ["link", "real"]
