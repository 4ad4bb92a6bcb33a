"""Three bodies for the phantom: a liver with a tumour, pelvic arteries with a narrowing, an injured kidney."""

from __future__ import annotations

import numpy as np

from videolib.demo import scenery
from videolib.demo.phantom import SIZE, Blush, Scene, textured
from videolib.demo.trees import Organ, Tree, smooth_curve

# outlines, clockwise
_LIVER = [(52, 250), (60, 150), (120, 86), (220, 78), (310, 116), (372, 168), (330, 218), (250, 262), (196, 322),
          (116, 366), (66, 330)]  # fmt: skip
_TUMOUR = [(124, 224), (160, 238), (166, 268), (142, 298), (106, 296), (84, 268), (92, 236)]
_KIDNEY = [(176, 130), (224, 142), (246, 186), (238, 232), (226, 262), (238, 298), (236, 346), (206, 388), (160, 392),
           (122, 350), (106, 270), (124, 178)]  # fmt: skip


def hepatic_scene(seed: int = 11, *, is_treated: bool = False) -> Scene:
    """Return the common hepatic artery injected: a tumour in the right lobe that stains, or, treated, holds oil."""
    random = np.random.default_rng(seed)
    tree = Tree(random, Organ(210, 215, 178, 150))
    hepatic = tree.add_trunk([(322, 300), (308, 284), (286, 278), (262, 282), (246, 276)], (6.2, 5.4), 0.0)
    start = float(hepatic.arrival_s[-1])
    duodenal = tree.add_trunk([(248, 277), (243, 306), (250, 345), (268, 388), (292, 418)], (3.6, 2.2), start)
    proper = tree.add_trunk([(246, 276), (236, 262), (229, 243), (226, 226)], (4.8, 4.4), start)
    fork = float(proper.arrival_s[-1])
    right = tree.add_trunk([(226, 226), (206, 214), (182, 210), (158, 212)], (3.9, 3.3), fork)
    left = tree.add_trunk([(226, 226), (238, 204), (258, 188), (284, 180)], (3.1, 2.5), fork)
    middle = tree.add_trunk([(226, 226), (224, 200), (216, 176)], (2.2, 1.8), fork)
    for place, angle in ((0.35, 55), (0.62, -60), (0.85, 50)):
        tree.grow_from(duodenal, place, angle, 1.2, length=34)
    for branch, sets in (
        (
            right,
            (
                (0.35, 62, 2.1, 62),
                (0.55, -58, 2.3, 66),
                (0.8, -44, 2.4, 66),
                (0.99, 34, 2.5, 66),
                (0.99, -8, 2.7, 62),
                (0.99, -40, 2.3, 66),
            ),
        ),
        (left, ((0.4, -58, 1.9, 54), (0.65, 40, 1.9, 50), (0.99, 24, 2.1, 52), (0.99, -28, 2.1, 54))),
        (middle, ((0.6, 50, 1.6, 44), (0.99, 22, 1.8, 48), (0.99, -26, 1.8, 50))),
    ):
        for place, angle, radius, length in sets:
            tree.grow_from(branch, place, angle, radius, length=length)
    liver = scenery.organ_shadow(SIZE, _LIVER, 1.0, 6)
    blushes = [Blush(textured(liver, seed + 1, grain=0.25), 0.07, 1.9, 1.8, 6.0)]
    tumour = textured(scenery.organ_shadow(SIZE, _TUMOUR, 1.0, 5), seed + 2, grain=0.4)
    if not is_treated:
        _feed_tumour(tree)
        blushes.append(Blush(tumour, 0.30, 1.0, 1.1, 9.0))
    still = scenery.tissue(SIZE, random) + scenery.spine(SIZE, 300, -30, random) + 0.8 * scenery.ribs(SIZE, 300, 10)
    moving = 0.22 * liver + scenery.lung(SIZE, [(165, 58, 190), (420, 82, 130)])
    moving = moving + scenery.bowel_gas(SIZE, [(400, 330, 42), (380, 400, 36), (150, 430, 40)], random)
    catheter = [(336, 540), (334, 440), (337, 360), (345, 318), (342, 296), (328, 293), (322, 300)]
    return Scene(
        still=still,
        moving=np.asarray(moving, np.float32),
        branches=tuple(tree.branches),
        blushes=tuple(blushes),
        catheter=smooth_curve(catheter),
        seed=seed,
        breathing_px=2.6,
        angles_deg=(-4.0, 2.0),
        devices=np.asarray(tumour * (0.55 if is_treated else 0.0), np.float32),
    )


def iliac_scene(seed: int = 23) -> Scene:
    """Return the aortic fork injected through a pigtail: tight left common iliac artery, a stent on the right."""
    random = np.random.default_rng(seed)
    tree = Tree(random, Organ(256, 360, 215, 190, pull=0.12))
    aorta = tree.add_trunk([(262, 20), (258, 70), (262, 118), (258, 160)], (14.5, 13.0), 0.0)
    fork = float(aorta.arrival_s[-1]) * 0.9
    right = tree.add_trunk([(256, 156), (236, 186), (214, 216), (196, 246)], (8.2, 7.4), fork)
    left = tree.add_trunk([(261, 156), (282, 186), (303, 214), (322, 246)], (8.2, 7.2), fork, narrowing=(0.42, 0.24))
    for iliac, side in ((right, -1), (left, 1)):
        x, y = (float(value) for value in iliac.axis[-1])
        delay = float(iliac.arrival_s[-1]) + (0.35 if side > 0 else 0.0)
        controls = [(x, y), (x + side * 26, y + 44), (x + side * 48, y + 92), (x + side * 54, y + 150)]
        outer = tree.add_trunk([*controls, (x + side * 50, y + 214), (x + side * 56, y + 290)], (6.0, 5.2), delay)
        inner = tree.add_trunk([(x, y), (x - side * 4, y + 30), (x - side * 2, y + 58)], (4.6, 3.8), delay)
        deep_start = float(outer.arrival_s[int(len(outer.axis) * 0.72)])
        px, py = (float(value) for value in outer.axis[int(len(outer.axis) * 0.72)])
        tree.add_trunk([(px, py), (px + side * 22, py + 26), (px + side * 34, py + 70), (px + side * 36, py + 120)],
                       (4.2, 3.4), deep_start)  # fmt: skip
        for place, angle, radius, length in ((0.4, 40, 1.9, 50), (0.7, -46, 1.8, 52), (0.99, 24, 2.3, 62),
                                             (0.99, -22, 2.3, 60)):  # fmt: skip
            tree.grow_from(inner, place, angle, radius, length=length)
        tree.grow_from(outer, 0.55, side * -70, 1.4, length=52)
        tree.grow_from(outer, 0.60, side * 75, 1.4, length=50)
    for place in (0.2, 0.5, 0.8):
        tree.grow_from(aorta, place, 82, 1.9, length=58)
        tree.grow_from(aorta, place + 0.02, -82, 1.9, length=58)
    still = scenery.tissue(SIZE, random) + 0.85 * scenery.spine(SIZE, 256, -235, random, count=6)
    still = still + 0.72 * scenery.pelvis(SIZE, 256, random)
    gas = scenery.bowel_gas(SIZE, [(130, 120, 44), (385, 96, 40), (300, 330, 34)], random)
    pigtail = [(204, 560), (188, 440), (186, 330), (198, 244), (232, 190), (256, 150), (259, 90), (258, 46),
               (264, 34), (273, 38), (273, 49), (264, 53), (257, 47)]  # fmt: skip
    return Scene(
        still=np.asarray(still, np.float32),
        moving=gas,
        branches=tuple(tree.branches),
        blushes=(),
        catheter=smooth_curve(pigtail),
        seed=seed,
        seconds=8.0,
        breathing_px=0.6,
        angles_deg=(18.0, 0.0),
        devices=scenery.stent(SIZE, right.axis[6:-4], 7.6),
    )


def renal_scene(seed: int = 37) -> Scene:
    """Return the right renal artery injected: nephrogram, and contrast that leaks from a lower branch."""
    random = np.random.default_rng(seed)
    tree = Tree(random, Organ(182, 262, 96, 142, pull=0.4))
    trunk = tree.add_trunk([(330, 232), (306, 230), (282, 238), (258, 248)], (6.6, 5.6), 0.0)
    fork = float(trunk.arrival_s[-1])
    upper = tree.add_trunk([(258, 248), (236, 228), (214, 200), (198, 178)], (3.9, 3.0), fork)
    middle = tree.add_trunk([(258, 248), (232, 250), (206, 254)], (3.8, 3.1), fork)
    lower = tree.add_trunk([(258, 248), (238, 274), (218, 304), (204, 330)], (3.9, 3.0), fork)
    for branch in (upper, middle, lower):
        for place, angle, radius, length in ((0.5, 50, 1.9, 46), (0.75, -48, 1.9, 46), (0.99, 26, 2.2, 50),
                                             (0.99, -26, 2.2, 50)):  # fmt: skip
            tree.grow_from(branch, place, angle, radius, length=length)
    tree.add_trunk([(330, 232), (338, 200), (337, 150)], (3.0, 0.8), 0.06)
    kidney = scenery.organ_shadow(SIZE, _KIDNEY, 1.0, 3)
    pelvis = scenery.organ_shadow(SIZE, [(236, 226), (214, 246), (204, 268), (216, 292), (240, 296)], 1.0, 8)
    cortex = np.clip(kidney - 0.75 * pelvis, 0, 1)
    leak = scenery.organ_shadow(SIZE, [(166, 368), (186, 360), (198, 374), (188, 390), (168, 388)], 1.0, 4)
    cloud = scenery.organ_shadow(SIZE, [(140, 372), (176, 352), (206, 376), (196, 410), (150, 408)], 1.0, 14)
    feeder = tree.add_trunk([(204, 330), (196, 346), (184, 362), (180, 372)], (1.9, 1.5), float(lower.arrival_s[-1]))
    late = float(feeder.arrival_s[-1])
    still = scenery.tissue(SIZE, random) + scenery.spine(SIZE, 342, -40, random) + 0.6 * scenery.ribs(SIZE, 342, -60)
    moving = 0.16 * kidney + scenery.bowel_gas(SIZE, [(92, 150, 44), (120, 440, 42), (250, 430, 34)], random)
    catheter = [(372, 560), (370, 430), (368, 330), (374, 262), (368, 232), (350, 226), (330, 232)]
    return Scene(
        still=still,
        moving=np.asarray(moving, np.float32),
        branches=tuple(tree.branches),
        blushes=(
            Blush(textured(cortex, seed + 1, grain=0.18), 0.24, 0.95, 1.0, 7.0),
            Blush(textured(leak, seed + 2, grain=0.2), 0.75, late, 0.9, 60.0),
            Blush(textured(cloud, seed + 3, grain=0.5), 0.38, late + 0.5, 2.6, 60.0),
        ),
        catheter=smooth_curve(catheter),
        seed=seed,
        seconds=9.0,
        breathing_px=3.2,
        angles_deg=(6.0, -1.0),
    )


def _feed_tumour(tree: Tree) -> None:
    """Grow the tumour's own crowded vessels."""
    organ, tree.organ = tree.organ, Organ(124, 262, 40, 36, pull=1.2)
    feeder = tree.add_trunk([(158, 212), (148, 226), (138, 240), (130, 250)], (2.4, 1.9), 0.62)
    for angle in (-75, -40, -10, 20, 50, 80, 110):
        tree.grow_from(feeder, 0.97, angle, 1.25, length=30)
    tree.organ = organ
