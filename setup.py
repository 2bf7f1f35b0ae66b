"""Install the top-level folders as packages of framescope: `framescope.classifier` and so on.

Everything else about the package is in pyproject.toml; this mapping can't be written there.
"""

from setuptools import find_packages, setup

FOLDERS = ("classifier", "training", "eval")

setup(
    packages=[
        "framescope",
        *(
            f"framescope.{name}"
            for name in find_packages(include=[*FOLDERS, *(f"{folder}.*" for folder in FOLDERS)])
        ),
    ],
    package_dir={f"framescope.{folder}": folder for folder in FOLDERS},
)
