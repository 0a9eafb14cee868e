"""Set up this repository and run its jobs: demo, test, shots, bench.

Needs nothing but Python 3.11 or newer. The environment is made in .venv beside
this file; on Debian and Ubuntu missing system libraries are installed with apt-get.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from ctypes.util import find_library
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "dev-stamp.txt"
LINUX = sys.platform.startswith("linux")
WINDOWS = sys.platform == "win32"

APPLICATION = "napari-muscle-us"
PACKAGE = "src/napari_muscle_us"
VIRTUAL_DISPLAY = ("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24")
DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")

DEBIAN_PACKAGES = (
    "xvfb xauth libxcb-icccm4 libxcb-keysyms1 libxcb-xinerama0 libxcb-cursor0 "
    "libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libgl1 libegl1 "
    "libgl1-mesa-dri libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libglib2.0-0"
)
IMAGEJ_PACKAGES = ("imagej", "default-jdk-headless")
IMAGEJ_JAR = Path("/usr/share/java/ij.jar")
FEDORA_PACKAGES = (
    "xorg-x11-server-Xvfb xorg-x11-xauth libxcb xcb-util-wm xcb-util-keysyms "
    "xcb-util-cursor xcb-util-image xcb-util-renderutil libglvnd-glx libglvnd-egl "
    "mesa-dri-drivers libxkbcommon-x11 dbus-libs fontconfig glib2"
)


class DevError(Exception):
    """A job cannot go on; the message says why in one sentence."""


def say(message: str) -> None:
    """Print a line at once, so that it stays in order with what commands print."""
    print(message, flush=True)


def has_display() -> bool:
    """Return whether windows can open; only Linux is known to lack a display."""
    return not LINUX or any(os.environ.get(name) for name in DISPLAY_VARIABLES)


def program(name: str, venv: Path = VENV) -> str:
    """Return the path of a program inside a virtual environment."""
    return str(venv / "Scripts" / f"{name}.exe" if WINDOWS else venv / "bin" / name)


def environ(venv: Path) -> dict[str, str]:
    """Return the variables for a command that runs in a virtual environment."""
    env = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME"):
        env.pop(name, None)
    if not has_display():
        env.pop("QT_QPA_PLATFORM", None)
    folder = str(Path(program("python", venv)).parent)
    env["PATH"] = os.pathsep.join([folder, env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = str(venv)
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    env["PIP_ROOT_USER_ACTION"] = "ignore"
    return env


def run(
    *args: str, venv: Path = VENV, cwd: Path = ROOT, variables: Sequence[str] = ()
) -> None:
    """Run a command with its output shown, and raise when it fails."""
    env = environ(venv) | dict(item.split("=", 1) for item in variables)
    nothing = subprocess.DEVNULL
    try:
        done = subprocess.run(args, env=env, cwd=cwd, stdin=nothing, check=False)
    except OSError as error:
        raise DevError(f"Cannot start {args[0]}: {error.strerror}.") from error
    if done.returncode:
        raise DevError(f"{' '.join(args)} ended with code {done.returncode}.")


def run_displayed(*args: str, variables: Sequence[str] = ()) -> None:
    """Run a command with a display, a virtual one when possible."""
    if LINUX and shutil.which(VIRTUAL_DISPLAY[0]):
        # Qt prefers Wayland even inside Xvfb, unless it is hidden.
        hidden = ("env", "-u", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM=xcb")
        run(*VIRTUAL_DISPLAY, *hidden, *args, variables=variables)
    elif has_display():
        run(*args, variables=variables)
    else:
        raise DevError("There is no display and xvfb-run is not installed.")


def missing_debian_packages() -> list[str]:
    """Return the Debian packages that are needed and not installed."""
    # Newer releases renamed some packages and provide the old name.
    query = ["dpkg-query", "-W", "-f=${db:Status-Status} ${Package} ${Provides}\n"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    found: set[str] = set()
    for line in answer.stdout.splitlines():
        status, *names = line.replace(",", " ").split()
        if status == "installed":
            found.update(names)
    missing = [name for name in DEBIAN_PACKAGES.split() if name not in found]
    if find_spec("ensurepip") is None:
        major, minor = sys.version_info[:2]
        missing.append(f"python{major}.{minor}-venv")
    return missing


def root_prefix() -> list[str] | None:
    """Return what to put before a command to run it as root, None when impossible."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    if quiet.returncode == 0:
        return ["sudo", "-n"]
    return ["sudo"] if sys.stdin and sys.stdin.isatty() else None


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages; return whether that worked."""
    prefix = root_prefix()
    if prefix is None:
        return False
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    apt += ["-q", "-o", "DPkg::Lock::Timeout=300"]
    say(f"Installing system libraries: {' '.join(packages)}")
    subprocess.run([*apt, "update"], check=False)
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    return subprocess.run(install, check=False).returncode == 0


def ensure_system_libraries() -> None:
    """Install what Qt and OpenGL need on Linux, or print what to install."""
    if not LINUX:
        return
    if shutil.which("apt-get") and shutil.which("dpkg-query"):
        missing = missing_debian_packages()
        if not missing or apt_install(missing):
            return
        say("Install these system packages as root, then run this again if it fails:")
        say(f"  apt-get install {' '.join(missing)}")
    elif not shutil.which("xvfb-run") or not find_library("xcb-cursor"):
        say("Install these system libraries with the tools of your system.")
        say(f"  Debian's names: {DEBIAN_PACKAGES}")
        say(f"  Fedora's names: {FEDORA_PACKAGES}")


def ensure_imagej() -> None:
    """Install ImageJ and Java, with which tests compare; without them these skip."""
    if not LINUX or (shutil.which("javac") and IMAGEJ_JAR.is_file()):
        return
    if not shutil.which("apt-get") or not apt_install(IMAGEJ_PACKAGES):
        say("ImageJ is not installed here: the tests that start it will skip.")


def fingerprint(*, dev: bool) -> list[str]:
    """Return what the environment depends on: Python, place, project file, extent."""
    project = ROOT / "pyproject.toml"
    if not project.is_file():
        raise DevError(f"{project.name} is missing beside dev.py.")
    digest = hashlib.sha256(project.read_bytes()).hexdigest()
    extent = "dev" if dev else "user"
    return [platform.python_version(), str(ROOT), digest, extent]


def create_venv(venv: Path) -> None:
    """Make an empty virtual environment, replacing an old one."""
    if Path(sys.prefix).resolve() == venv.resolve():
        raise DevError(f"Run dev.py with a Python outside {venv.name}.")
    run(sys.executable, "-m", "venv", "--clear", str(venv))


def pip_install(venv: Path, *args: str) -> None:
    """Install packages into a virtual environment."""
    run(program("python", venv), "-m", "pip", "install", "-q", *args, venv=venv)


def ensure_environment(*, dev: bool) -> None:
    """Bring ``.venv`` up to date; an environment that is already so is left alone."""
    wanted = fingerprint(dev=dev)
    found = STAMP.read_text("utf-8").splitlines() if STAMP.is_file() else []
    usable = found[:2] == wanted[:2] and Path(program("python")).exists()
    if usable and found[2:] in (wanted[2:], [wanted[2], "dev"]):
        return
    say("Installing the Python packages (the first time takes some minutes)")
    if usable:
        STAMP.unlink()
    else:
        create_venv(VENV)
    pip_install(VENV, "--upgrade", "pip>=25.1")
    pip_install(VENV, "-e", ".[all]", *(["--group", "dev"] if dev else []))
    STAMP.write_text("\n".join(wanted) + "\n", "utf-8")


def demo(extra: Sequence[str]) -> None:
    """Run the demonstration; without a display it writes a picture and a table."""
    ensure_environment(dev=False)
    outputs: dict[str, str] = {}
    if not has_display():
        if not shutil.which("Xvfb"):
            raise DevError("There is no display and Xvfb is not installed.")
        files = {"--screenshot": "demo.png", "--out": "demo-results.csv"}
        given = {arg.split("=")[0] for arg in extra}
        outputs = {k: str(ROOT / v) for k, v in files.items() if k not in given}
    options = [part for option in outputs.items() for part in option]
    run(program(APPLICATION), "demo", *options, *extra, cwd=Path.cwd())
    if outputs:
        say(f"Written: {' and '.join(outputs.values())}")


def check_wheel() -> None:
    """Build the wheel, install it into an empty environment and start it there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        dist, venv, work = (Path(folder, name) for name in ("dist", "venv", "work"))
        work.mkdir()
        python = program("python")
        run(python, "-m", "build", "--wheel", "--outdir", str(dist), str(ROOT))
        create_venv(venv)
        # To compile every module would take longer than the few that are started.
        wheels = (f"{wheel}[all]" for wheel in dist.glob("*.whl"))
        pip_install(venv, "--no-compile", *wheels)
        start = [program(APPLICATION, venv)]
        if LINUX and shutil.which("Xvfb"):
            # Without a display the application has to start its own.
            hidden = [*DISPLAY_VARIABLES, "QT_QPA_PLATFORM"]
            start = ["env", *(f"--unset={name}" for name in hidden), *start]
        run(*start, "--version", venv=venv, cwd=work)
        files = ("--screenshot", "wheel.png", "--out", "wheel.csv")
        run(*start, "demo", *files, venv=venv, cwd=work)
        for path in (work / "wheel.png", work / "wheel.csv"):
            if not path.is_file() or not path.stat().st_size:
                raise DevError(f"The demo of the wheel wrote no {path.name}.")


def has_examples() -> bool:
    """Return whether the documentation pages hold any interpreter example."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return any(">>>" in page.read_text("utf-8") for page in pages if page.is_file())


def test_steps(*, fast: bool) -> list[tuple[str, Callable[[], None]]]:
    """Return titles and actions of the checks in their order, the cheap ones first."""
    pytest = (program("python"), "-m", "pytest")
    # A file's tests stay together: they share what is costly to make.
    parallel = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
    # On a real screen two windows would take the keyboard from each other.
    beside = parallel if LINUX and shutil.which(VIRTUAL_DISPLAY[0]) else ()
    whole = (*pytest, *beside, "tests/integration")
    panels = (*pytest, *parallel, "tests/panels")
    offscreen, strict = ["QT_QPA_PLATFORM=offscreen"], ["NAPARI_STRICT_QT=1"]
    modules = ("--doctest-modules", PACKAGE, f"--ignore={PACKAGE}/_napari")
    steps: list[tuple[str, Callable[[], None]]] = [
        ("lint", partial(run, program("ruff"), "check", ".")),
        ("format", partial(run, program("ruff"), "format", "--check", ".")),
        ("types", partial(run, program("mypy"))),
        ("manifest", partial(run, program("npe2"), "validate", APPLICATION)),
        ("core tests", partial(run, *pytest, *parallel, "tests/core")),
        ("panel tests", partial(run, *panels, variables=offscreen)),
        ("integration tests", partial(run_displayed, *whole, variables=strict)),
        ("docstring examples", partial(run, *pytest, *parallel, *modules)),
    ]
    if has_examples():
        # Not without examples: pytest fails when it finds no test.
        pages = [name for name in ("docs", "README.md") if (ROOT / name).exists()]
        action = partial(run, *pytest, *parallel, "--doctest-glob=*.md", *pages)
        steps.append(("documentation examples", action))
    if not fast:
        steps.append(("wheel in an empty environment", check_wheel))
    return steps


def test(*, fast: bool) -> None:
    """Run every check, stopping at the first that fails."""
    ensure_imagej()
    ensure_environment(dev=True)
    steps = test_steps(fast=fast)
    begin = time.monotonic()
    for number, (title, action) in enumerate(steps, start=1):
        say(f"\n##### {number}/{len(steps)} {title}")
        start = time.monotonic()
        try:
            action()
        except DevError as error:
            say(f"##### FAILED: {title} ({time.monotonic() - start:.1f} s)")
            raise DevError(f"{title}: {error}") from error
        say(f"##### ok: {title} ({time.monotonic() - start:.1f} s)")
    say(f"\nAll {len(steps)} steps are ok ({time.monotonic() - begin:.0f} s).")


def shots() -> None:
    """Make the pictures of the documentation."""
    ensure_environment(dev=True)
    run_displayed(program("python"), "docs/make_screenshots.py")


def bench() -> None:
    """Run the benchmarks."""
    ensure_environment(dev=True)
    options = ("benchmarks", "--benchmark-only", "-q")
    run(program("python"), "-m", "pytest", *options)


def fuzz(extra: Sequence[str]) -> None:
    """Feed damaged files to the readers; options go to the fuzzer."""
    ensure_environment(dev=True)
    run(program("python"), "-m", "tests.fuzz.fuzz_readers", *extra)


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the chosen job and the arguments meant for the demo."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    add = partial(jobs.add_parser, allow_abbrev=False)
    add("demo", help="show the plugin with its sample image")
    add("test", help="run all checks").add_argument(
        "--fast", action="store_true", help="leave out the check of the wheel"
    )
    add("shots", help="make the pictures of the documentation")
    add("bench", help="run the benchmarks")
    add("fuzz", help="feed damaged files to the readers")
    options, extra = parser.parse_known_args(argv)
    if extra and options.job not in ("demo", "fuzz"):
        parser.error(f"unknown arguments: {' '.join(extra)}")
    return options, extra


def main(argv: Sequence[str]) -> int:
    """Run one job and return the exit code."""
    if sys.version_info < MINIMUM:
        say(f"Python 3.11 or newer is needed, this is {platform.python_version()}.")
        return 1
    options, extra = parse(argv)
    jobs: dict[str, Callable[[], None]] = {
        "demo": partial(demo, extra),
        "test": partial(test, fast=getattr(options, "fast", False)),
        "shots": shots,
        "bench": bench,
        "fuzz": partial(fuzz, extra),
    }
    try:
        ensure_system_libraries()
        jobs[options.job]()
    except DevError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
