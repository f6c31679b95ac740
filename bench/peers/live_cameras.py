"""The work of the daemon on several cameras, as it is usually written in Python: OpenCV, ONNX Runtime, supervision, trackers, paho-mqtt.

live_cameras.py SETTINGS

SETTINGS is a JSON file: {"port", "rate", "urls", "model": {"path", "size", "mean", "std", "head", "labels", "score"} or null}.

A thread a camera takes every frame from the stream (`grab` decodes it), converts those that are wanted (`retrieve`) and keeps the newest;
one loop scales, normalises, runs the model on one thread, reads the objects from its grid, follows them with ByteTrack and publishes.
Without a model frames are decoded and converted alone.
"""
import json
import os
import sys
import threading
import time
from pathlib import Path

os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|threads;1|flags;low_delay"
import cv2  # noqa: E402  (reads the options when it is loaded)
import numpy as np  # noqa: E402
import paho.mqtt.client as mqtt  # noqa: E402

settings = json.loads(Path(sys.argv[1]).read_text())
rate = settings["rate"]
cv2.setNumThreads(1)
fresh = threading.Condition()
latest = {}
dropped = 0


def watch(camera, url):
    global dropped
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    number = -1
    while capture.grab():
        due = int(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 * rate + 0.001)
        if due == number:
            continue
        number = due
        at = time.time()
        ok, image = capture.retrieve()
        if not ok:
            break
        with fresh:
            dropped += camera in latest
            latest[camera] = (at, image)
            fresh.notify()
    print(f"camera {camera} ended", file=sys.stderr, flush=True)
    os._exit(1)  # the whole program, not this thread alone


class Detector:
    """A grid network (a score a class and cell, sizes as logarithms) and a tracker a camera."""

    def __init__(self, path, size, mean, std, head, labels, score):
        import onnxruntime
        import supervision
        from trackers import ByteTrackTracker

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.height, self.width = size
        self.mean, self.std, self.head, self.labels, self.score = mean[0], std[0], head, labels, score
        self.sv = supervision
        # Objects as confident as ours begin a track; a second without it ends one.
        self.make = lambda: ByteTrackTracker(
            frame_rate=rate, lost_track_buffer=30, track_activation_threshold=score, high_conf_det_threshold=score
        )
        self.trackers = {}

    def objects(self, camera, image):
        blob = cv2.dnn.blobFromImage(
            image, 1 / (255 * self.std), (self.width, self.height), [255 * self.mean] * 3, swapRB=True
        )
        seen = self.detections(self.session.run(None, {self.input: blob})[0][0])
        if camera not in self.trackers:
            self.trackers[camera] = self.make()
        return self.trackers[camera].update(seen)

    def detections(self, output):
        stride, split = self.head["stride"], self.head["split"]
        _, rows, columns = output.shape
        cells = output.reshape(split, split, -1, rows, columns).transpose(2, 3, 0, 4, 1)
        cells = cells.reshape(-1, rows * split, columns * split)
        scores = 1 / (1 + np.exp(-cells[:-2]))
        peaks = np.stack([cv2.dilate(each, np.ones((3, 3), np.uint8)) for each in scores]) == scores
        objects = peaks & (scores >= 0.1)
        kind, y, x = np.nonzero(objects)
        w, h = stride * np.exp(cells[-2:, y, x] * self.head["box"]["logSize"])
        x, y = (x + 0.5) * stride / split, (y + 0.5) * stride / split
        found = self.sv.Detections(
            xyxy=np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1).astype(np.float32),
            confidence=scores[objects],
            class_id=kind,
        )
        return found.with_nms(self.head["overlap"]).with_nms(self.head["overlapAcrossClasses"], class_agnostic=True)

    def message(self, seen):
        shares = seen.xyxy / [self.width, self.height, self.width, self.height]
        return [
            {"track": int(track), "class": self.labels[kind], "score": round(float(score), 5), "box": box}
            for track, kind, score, box in zip(
                seen.tracker_id, seen.class_id, seen.confidence, shares.round(4).tolist()
            )
            if track >= 0 and score >= self.score
        ]


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.connect("127.0.0.1", settings["port"])
client.loop_start()
detector = None if settings["model"] is None else Detector(**settings["model"])
for camera, url in enumerate(settings["urls"]):
    threading.Thread(target=watch, args=(camera, url), daemon=True).start()

while True:
    with fresh:
        while not latest:
            fresh.wait()
        camera = next(iter(latest))
        at, image = latest.pop(camera)
    message = {"camera": camera, "capturedAt": at, "dropped": dropped}
    if detector is not None:
        message |= {"objects": detector.message(detector.objects(camera, image)), "publishedAt": time.time()}
    client.publish(f"peer/{camera}/detections", json.dumps(message))
