/*
 * Assembles all that a page loads into static/: KERN and its mirrored build, fonts, our stylesheet, scripts, icons
 * and licences, each under a name that holds the hash of its content, with .gz and .br beside every text file, and
 * manifest.json (plain name -> name with hash).
 *
 * Promises: the same packages and sources give the same bytes; static/ is replaced as a whole or not at all; every
 * url() in a stylesheet points to a file that is there. Needs node 20 and what package-lock.json pins.
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const target = join(here, "static");

const KERN = "@kern-ux/native";
const FIRA = "@fontsource/fira-sans";
const ARABIC = "@fontsource-variable/noto-sans-arabic";
const SHIPPED = [KERN, FIRA, ARABIC];
const WEIGHTS = ["400", "400-italic", "500", "600", "700"];
const SUBSETS = ["latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "vietnamese"];
const TEXT = /\.(css|js|svg|txt|json)$/;

/* Noto serves Arabic letters alone: hyphens and joiners that Fira Sans has too would load it on every page. */
const ARABIC_RANGE = "U+0600-06FF,U+0750-077F,U+0870-08FF,U+FB50-FDFF,U+FE70-FEFC";

function packageFile(name, path) {
  const file = join(here, "node_modules", name, path);
  if (!existsSync(file)) fail(`${name}/${path} is missing. Run "npm ci" in templates/ first.`);
  return file;
}

function fail(reason) {
  console.error(`assemble: ${reason}`);
  process.exit(1);
}

function texts(folder, ending) {
  const path = join(here, folder);
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(ending)).sort() : [];
  return names.map((name) => ({ name, content: readFileSync(join(path, name), "utf8") }));
}

/* Comments go (a licence's `/*!` stays), blanks shrink; strings and url() are left as they are. */
function shrunk(css) {
  const parts = css.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|url\((?:[^)"']*)\)|\/\*[^]*?\*\/|[^"'/u]+|[^]/g) ?? [];
  let out = "";
  for (const part of parts) {
    if (part.startsWith("/*")) out += part.startsWith("/*!") ? part : "";
    else if (/^["']|^url\(/.test(part)) out += part;
    else out += part.replace(/\s+/g, " ");
  }
  return out.replace(/ ?([{};]) ?/g, "$1").replace(/;}/g, "}").trim() + "\n";
}

const files = new Map();
const manifest = {};

function put(name, content) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content, "utf8");
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const hashed = name.replace(/(\.[a-z0-9]+)$/, `.${hash}$1`);
  if (name in manifest) fail(`two sources for ${name}`);
  manifest[name] = hashed;
  files.set(hashed, bytes);
  return hashed;
}

/* Relative references become names with hash; what is not among our files stops the build. */
function linked(name, css) {
  return css.replace(/url\(\s*(["']?)([^)"']+)\1\s*\)/g, (whole, quote, address) => {
    if (/^(data:|#)/.test(address)) return whole;
    const plain = address.replace(/^\.\/(files\/)?/, "");
    if (!(plain in manifest)) fail(`${name} refers to ${address}, which is not assembled.`);
    return `url(${manifest[plain]})`;
  });
}

function faces(name, cssFile) {
  const css = readFileSync(packageFile(name, cssFile), "utf8");
  return css.match(/\/\*[^]*?\*\/\s*@font-face\s*\{[^}]*\}/g).map((text) => ({
    name: text.match(/\/\*\s*(\S+)\s*\*\//)[1],
    text: text.replace(/\/\*[^]*?\*\/\s*/, ""),
  }));
}

function fonts() {
  const chosen = [];
  for (const weight of WEIGHTS) {
    for (const face of faces(FIRA, `${weight}.css`)) {
      const subset = face.name.replace(/^fira-sans-/, "").replace(/-\d+-(normal|italic)$/, "");
      if (SUBSETS.includes(subset)) chosen.push({ ...face, package: FIRA, range: null });
    }
  }
  const arabic = faces(ARABIC, "wght.css").find((face) => face.name === "noto-sans-arabic-arabic-wght-normal");
  chosen.push({ ...arabic, package: ARABIC, range: ARABIC_RANGE });
  const rules = chosen.map((face) => {
    const file = `${face.name}.woff2`;
    put(file, readFileSync(packageFile(face.package, `files/${file}`)));
    const source = face.text.match(/url\([^)]+\.woff2\) format\('[^']+'\)/)[0];
    const rule = face.text.replace(/src:[^;]+;/, `src: ${source};`);
    return face.range ? rule.replace(/unicode-range:[^;]+;/, `unicode-range: ${face.range};`) : rule;
  });
  put("fonts.css", linked("fonts.css", shrunk(rules.join("\n"))));
}

function kern() {
  const { version } = require(packageFile(KERN, "package.json"));
  const notice = (how) => `/*! KERN ${version}, EUPL-1.2, by the KERN team${how}; text in LICENSES.txt */\n`;
  const css = readFileSync(packageFile(KERN, "dist/kern.min.css"), "utf8").replace(/^\uFEFF/, "");
  const mirrored = require("rtlcss").process(css);
  const charset = '@charset "UTF-8";';
  put("kern.css", linked("kern.css", charset + notice("") + css.replace(charset, "")));
  const rtl = charset + notice(", mirrored with rtlcss for right-to-left pages") + mirrored.replace(charset, "");
  put("kern.rtl.css", linked("kern.rtl.css", rtl));
}

function licences() {
  const parts = ["What these files are made of\n"];
  for (const name of SHIPPED) {
    const { version, license } = require(packageFile(name, "package.json"));
    const text = ["LICENSE", "LICENSE.md"].map((file) => join(here, "node_modules", name, file)).find(existsSync);
    if (!text) fail(`${name} has no licence text.`);
    parts.push(`${"=".repeat(78)}\n${name} ${version}, ${license}\n${"=".repeat(78)}\n\n${readFileSync(text, "utf8").trim()}\n`);
  }
  put("LICENSES.txt", parts.join("\n"));
}

licences();
fonts();
kern();
for (const icon of texts("icons", ".svg")) put(icon.name, icon.content);
for (const script of texts("scripts", ".js")) put(script.name, script.content);
put("dialograum.css", linked("dialograum.css", shrunk(texts("styles", ".css").map((style) => style.content).join("\n"))));

const built = mkdtempSync(join(here, "static."));
try {
  chmodSync(built, 0o755);
  const names = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(join(built, "manifest.json"), JSON.stringify(names, null, 2) + "\n");
  for (const [name, bytes] of files) {
    writeFileSync(join(built, name), bytes);
    if (!TEXT.test(name)) continue;
    writeFileSync(join(built, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(join(built, `${name}.br`), brotliCompressSync(bytes, { params: quality }));
  }
  const old = join(here, "static.old");
  rmSync(old, { recursive: true, force: true });
  if (existsSync(target)) renameSync(target, old);
  renameSync(built, target);
  rmSync(old, { recursive: true, force: true });
} catch (error) {
  rmSync(built, { recursive: true, force: true });
  throw error;
}
console.log(`assembled ${files.size} files into static/`);
