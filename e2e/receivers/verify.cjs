// Verifies webhooks with the libraries of others: one JSON object a line in, one a line out.
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
