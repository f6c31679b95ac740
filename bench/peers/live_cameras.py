"""The work of the daemon on several cameras, as it is usually written in Python: OpenCV, ONNX Runtime, paho-mqtt.

live_cameras.py BROKER_PORT RATE MODEL WIDTH HEIGHT MEAN STD URL...

A thread a camera takes every frame from the stream (`grab` decodes it), converts those that are wanted (`retrieve`) and keeps the newest;
one loop scales, normalises, runs the model on one thread and publishes. MODEL `-` decodes and converts alone.
"""
import json
import os
import sys
import threading
import time

os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|threads;1|flags;low_delay"
import cv2  # noqa: E402  (reads the options when it is loaded)
import numpy as np  # noqa: E402
import paho.mqtt.client as mqtt  # noqa: E402

port, rate, model, width, height, mean, std = sys.argv[1:8]
urls = sys.argv[8:]
cv2.setNumThreads(1)
fresh = threading.Condition()
latest = {}
dropped = 0


def watch(camera, url):
    global dropped
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    number = -1
    while capture.grab():
        due = int(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 * float(rate) + 0.001)
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
    sys.exit(f"camera {camera} ended")


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.connect("127.0.0.1", int(port))
client.loop_start()
session = None
if model != "-":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
for camera, url in enumerate(urls):
    threading.Thread(target=watch, args=(camera, url), daemon=True).start()

while True:
    with fresh:
        while not latest:
            fresh.wait()
        camera = next(iter(latest))
        at, image = latest.pop(camera)
    message = {"camera": camera, "capturedAt": at, "dropped": dropped}
    if session is not None:
        small = cv2.resize(image, (int(width), int(height)), interpolation=cv2.INTER_AREA)
        data = (cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255 - float(mean)) / float(std)
        scores = session.run(None, {name: data.transpose(2, 0, 1)[None]})[0][0]
        share = np.exp(scores - scores.max())
        best = int(share.argmax())
        message |= {"class": best, "score": float(share[best] / share.sum()), "publishedAt": time.time()}
    client.publish(f"peer/{camera}/detections", json.dumps(message))
