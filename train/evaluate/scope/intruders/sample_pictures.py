"""Files of installed packages that serve as pictures without a bone, pinned by checksum."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from bonefx.errors import RecipeError

Place = tuple[str, str]  # package and file
INSTALL_REMEDY = "run pip install --editable '.[train]' in the checkout"
CHECKSUMS: dict[Place, str] = {  # SHA-256 of the files on which the published figures were measured
    ("sklearn.datasets", "images/china.jpg"):
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ("sklearn.datasets", "images/flower.jpg"):
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ("skimage.data", "astronaut.png"):
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ("skimage.data", "brick.png"):
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    ("skimage.data", "camera.png"):
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    ("skimage.data", "cell.png"):
        "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515",
    ("skimage.data", "chelsea.png"):
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ("skimage.data", "coffee.png"):
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ("skimage.data", "coins.png"):
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    ("skimage.data", "grass.png"):
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    ("skimage.data", "gravel.png"):
        "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    ("skimage.data", "hubble_deep_field.jpg"):
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ("skimage.data", "ihc.png"):
        "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    ("skimage.data", "moon.png"):
        "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
    ("skimage.data", "motorcycle_left.png"):
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ("skimage.data", "retina.jpg"):
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    ("skimage.data", "rocket.jpg"):
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ("skimage.data", "page.png"):
        "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3",
    ("skimage.data", "text.png"):
        "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1",
    ("skimage.data", "horse.png"):
        "c7fb60789fe394c485f842291ea3b21e50d140f39d6dcb5fb9917cc178225455",
    ("skimage.data", "phantom.png"):
        "552ff698167aa402cceb17981130607a228a0a0aa7c519299eaa4d5f301ba36c",
    ("gradio", "media_assets/images/cheetah1.jpg"):
        "35550bfbba996e59c242af00f6a14a9c0d055dfbc52ad069a1a4e8c1c39ca095",
    ("gradio", "media_assets/images/groot.jpeg"):
        "fff4d05d30088da0f073ae4ab21d22d11cbd56cfab711f3c359faabbf8577076",
    ("gradio", "media_assets/images/lion.jpg"):
        "4c45ece00075f152cb2e6cfd5f1dfd7dc8e83042264685b4f470026240eff3ef",
    ("gradio", "media_assets/images/tower.jpg"):
        "f57f96f7a71f89739d27ae8ffc09f73cd2f17415d16c94d42dcb0d571f4eb0ee",
    ("gradio", "media_assets/images/bus.png"):
        "396c7b535869e4418fd9d9657635e5134c6ba626819059f0b26e9b8fbc82a761",
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"):
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ("matplotlib", "mpl-data/sample_data/s1045.ima.gz"):
        "32b424d64f62b7e71cb24d29fd53938ad5664d608055a67ab2b2af4369f8b89e",
    ("pydicom.data", "test_files/CT_small.dcm"):
        "3dd31e5cc835b3f2cdd46c9da1982f59251e78518fefa8163d914631c66437d6",
    ("pydicom.data", "test_files/693_J2KI.dcm"):
        "8d5d503fd46b9a59c628762d71d7391ea1a2a5fd8d339ac82ef9e281a15ef65f",
    ("pydicom.data", "test_files/J2K_pixelrep_mismatch.dcm"):
        "2df92c523d36639e4d88f892f47e4f6616c48ab017a445a6241ffe38b2d07bbf",
    ("pydicom.data", "test_files/MR_small.dcm"):
        "3f27d1c22f1a66e80d7bb7c911e8610fd0bb70325a76746a7adb1c0ddefcf2bb",
    ("pydicom.data", "test_files/examples_overlay.dcm"):
        "112539bc17c0e281987397e827dff9e99890109866d570f08761f83b8f55c277",
    ("pydicom.data", "test_files/JPEG2000.dcm"):
        "5be539024e6803029a7b73c0f8e72e88d032e3a0bc05922c0c047344780aa8e1",
    ("data_store", "data/MR2_UNCR.dcm"):
        "c14c7f0c6e25bd4dfbb822fe264e540fc7142bf1c9d15d4c652ec8f5f97fa9e8",
    ("data_store", "data/eCT_Supplemental.dcm"):
        "0a4c3aa02d1b0b4826daa5ffe85ef13be83c1433842a9a98b901e075136dd86f",
    ("data_store", "data/MR-SIEMENS-DICOM-WithOverlays.dcm"):
        "094faf56c63bff84c30567e29de0c67d7c5a8ae05cf880ac12175491b6b645d2",
    ("data_store", "data/US1_UNCR.dcm"):
        "af5a66e40cd49d15dfbf7b78c850eba0662bdc7339339c3fa13f123a57e812cb",
    ("data_store", "data/gdcm-US-ALOKA-16.dcm"):
        "f1a2d5f7c4ffe87dc589b12738084099fe44a436f6980f5d7e96a026ad356d65",
    ("data_store", "data/OBXXXX1A.dcm"):
        "164a460bebdc15fbe391ad4bfe4c84672eb2bad57adfe7dad372fd7367b0f63e",
    ("data_store", "data/JPGLosslessP14SV1_1s_1f_8b.dcm"):
        "1978d4f058e52d3239fae33f261b3dc74605fdd9f89031fffd57bea6218d0dbf",
    ("data_store", "data/RG1_UNCR.dcm"):
        "946f28f48b9fbf360196a9b835c8fce83b0c654bf85a5107663c8a61df02e498",
}  # fmt: skip


def find_sample(place: Place) -> Traversable:
    """Find a file of an installed package.

    Raises:
        RecipeError: The package or the file is not installed.
    """
    package, name = place
    try:
        resource = files(package).joinpath(name)
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"the package of {package} is not installed; the scope is measured on its sample "
            f"pictures; {INSTALL_REMEDY}"
        ) from error
    if not resource.is_file():
        raise RecipeError(
            f"the installed version of {package} has no {name}, on which the scope is measured; "
            f"{INSTALL_REMEDY}"
        )
    return resource


def check_samples() -> None:
    """Check that every sample picture is installed and is the one that figures are measured on.

    Raises:
        RecipeError: A picture is missing, or its checksum differs.
    """
    for place, expected in CHECKSUMS.items():
        package, name = place
        found = hashlib.sha256(find_sample(place).read_bytes()).hexdigest()
        if found != expected:
            raise RecipeError(
                f"{name} of the installed {package} has SHA-256 {found[:8]}..., expected "
                f"{expected[:8]}...; figures of other pictures cannot be compared. Install the "
                f"version of the package that has this picture; {INSTALL_REMEDY}"
            )
