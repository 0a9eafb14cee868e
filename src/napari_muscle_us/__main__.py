"""``python -m napari_muscle_us``: the same as the command ``napari-muscle-us``."""

from napari_muscle_us.cli import main

if __name__ == "__main__":
    main()
