"""Trackers of the `trackers` package on given detections, and everyone's tracks judged by TrackEval.

street_tracking.py FOLDER

FOLDER/sequences.json names the sequences: [{"name", "rate", "frames"}]. For each, FOLDER/detections/NAME.txt has lines
`frame,x,y,w,h,score` and FOLDER/gt/NAME/gt/gt.txt the truth in MOT's form. The peers write FOLDER/tracks/PEER/data/NAME.txt beside what
lies there already. Prints [{"tracker", "rate", "HOTA", "IDF1", "MOTA", "switches"}], rate null for all sequences together.
"""
import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import supervision as sv
import trackeval
from trackers import ByteTrackTracker, OCSORTTracker

# As they come, and told which scores our detections have: those from 0.4 on can begin a track with us, too.
PEERS = {
    "ByteTrack": (ByteTrackTracker, {}),
    "ByteTrack, our scores": (ByteTrackTracker, {"track_activation_threshold": 0.4, "high_conf_det_threshold": 0.4}),
    "OC-SORT": (OCSORTTracker, {}),
    "OC-SORT, our scores": (OCSORTTracker, {"high_conf_det_threshold": 0.4}),
}
folder = Path(sys.argv[1])
sequences = json.loads((folder / "sequences.json").read_text())


def track(make, settings, sequence, out):
    path = folder / "detections" / f"{sequence['name']}.txt"
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    tracker = make(frame_rate=float(sequence["rate"]), **settings)
    with out.open("w") as file:
        for frame in range(1, sequence["frames"] + 1):
            own = rows[rows[:, 0] == frame]
            boxes = own[:, 1:5].copy()
            boxes[:, 2:] += boxes[:, :2]
            seen = tracker.update(sv.Detections(xyxy=boxes, confidence=own[:, 5], class_id=np.zeros(len(own), dtype=int)))
            for (left, top, right, bottom), number in zip(seen.xyxy, seen.tracker_id):
                if number >= 0:
                    file.write(f"{frame},{number},{left:.3f},{top:.3f},{right - left:.3f},{bottom - top:.3f},1,-1,-1,-1\n")


for peer, (make, settings) in PEERS.items():
    data = folder / "tracks" / peer / "data"
    data.mkdir(parents=True)
    for sequence in sequences:
        track(make, settings, sequence, data / f"{sequence['name']}.txt")


def judged(some):
    dataset = trackeval.datasets.MotChallenge2DBox({
        "GT_FOLDER": str(folder / "gt"),
        "TRACKERS_FOLDER": str(folder / "tracks"),
        "SKIP_SPLIT_FOL": True,
        "DO_PREPROC": False,
        "SEQ_INFO": {each["name"]: each["frames"] for each in some},
        "PRINT_CONFIG": False,
    })
    evaluator = trackeval.Evaluator({
        "PRINT_RESULTS": False,
        "PRINT_CONFIG": False,
        "TIME_PROGRESS": False,
        "OUTPUT_SUMMARY": False,
        "OUTPUT_DETAILED": False,
        "PLOT_CURVES": False,
        "BREAK_ON_ERROR": True,
    })
    quiet = {"PRINT_CONFIG": False}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.Identity(quiet), trackeval.metrics.CLEAR(quiet)]
    with contextlib.redirect_stdout(io.StringIO()):
        results, _ = evaluator.evaluate([dataset], metrics)
    for tracker, result in results["MotChallenge2DBox"].items():
        all_of_it = result["COMBINED_SEQ"]["pedestrian"]
        yield {
            "tracker": tracker,
            "HOTA": 100 * float(np.mean(all_of_it["HOTA"]["HOTA"])),
            "IDF1": 100 * float(all_of_it["Identity"]["IDF1"]),
            "MOTA": 100 * float(all_of_it["CLEAR"]["MOTA"]),
            "switches": int(all_of_it["CLEAR"]["IDSW"]),
        }


answers = []
for rate in [None, *sorted({each["rate"] for each in sequences})]:
    some = [each for each in sequences if rate is None or each["rate"] == rate]
    answers += [{"rate": rate, **each} for each in judged(some)]
print(json.dumps(answers))
