// What anywidget loads of each of our widgets: it unpacks the scripts, and calls them once they are there.
// anywidget gives a widget two seconds to load, after which it hears nothing any more: loading waits for none
// of this. What the kernel sends meanwhile is not heard either; a script that needs it asks when it starts.

const packed = Uint8Array.from(atob("PACKED"), (one) => one.charCodeAt(0));
const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
const response = new Response(plain, { headers: { "Content-Type": "text/javascript" } });
const scripts = response.blob().then(async (file) => {
  const address = URL.createObjectURL(file);
  try {
    return (await import(address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
});

export default {
  initialize: (given) => {
    const ending = scripts.then(({ initialize }) => initialize?.(given));
    return () => ending.then((end) => end?.());
  },
  render: (given) => scripts.then(({ render }) => render(given)),
};
