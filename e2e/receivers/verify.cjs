// Verifies webhooks with libraries that are not Aliquot's. It reads one JSON object per line and writes one per line.
//
// in:  {"library": "svix" | "standardwebhooks", "secret": …, "headers": {…}, "body": base64}
// out: {"ok": true} or {"ok": false, "error": …}
const readline = require("node:readline");

const libraries = {
  svix: require("svix").Webhook,
  standardwebhooks: require("standardwebhooks").Webhook,
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { library, secret, headers, body } = JSON.parse(line);
  let answer = { ok: true };
  try {
    new libraries[library](secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
  } catch (error) {
    answer = { ok: false, error: String(error.message) };
  }
  console.log(JSON.stringify(answer));
});
