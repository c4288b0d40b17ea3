/** A still of the camera. */

const find = (id) => document.getElementById(id);
let stream = null;

export async function openCamera() {
  if (!navigator.mediaDevices) throw new Error("Browsers show a camera over HTTPS or from localhost alone.");
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  find("video").srcObject = stream;
  find("live").hidden = false;
  find("take").focus();
}

export function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find("live").hidden = true;
}

export async function takePicture() {
  const video = find("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}
