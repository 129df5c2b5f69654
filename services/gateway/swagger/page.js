// Asks the gateway which documents there are, and shows the one that is chosen. What is tried out goes through the gateway
// with the visitor's session, and with the token by which the gateway knows that the page is its own.
"use strict";

const LIST = "/v3/api-docs/swagger-config";
const SIGN_IN = "/oauth2/authorization/oidc?return=%2Fswagger-ui%2Findex.html";

/** Shows a sentence, with a link behind it where there is one. */
const tell = (sentence, link) => {
  const notice = document.getElementById("notice");
  notice.replaceChildren(sentence);
  if (link) {
    const anchor = Object.assign(document.createElement("a"), link);
    notice.append(" ", anchor);
  }
  notice.hidden = false;
};

/** The value of a cookie that scripts may read. */
const cookie = (name) =>
  document.cookie
    .split("; ")
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** Adds the token to a request that may change something here; others never get it. */
const withToken = (request) => {
  const method = (request.method ?? "GET").toUpperCase();
  const isOurs = new URL(request.url, location.href).origin === location.origin;
  const token = cookie("XSRF-TOKEN");
  if (isOurs && token && !["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)) {
    request.headers = { ...request.headers, "X-XSRF-TOKEN": decodeURIComponent(token) };
  }
  return request;
};

/** The list of documents; nothing when the visitor has been told why there is none. */
const list = async () => {
  let answer;
  try {
    answer = await fetch(LIST, { headers: { Accept: "application/json" } });
  } catch {
    return void tell("The gateway cannot be reached. Reload this page in a few seconds.");
  }
  switch (answer.status) {
    case 200:
      return answer.json();
    case 401:
      return void tell("You are not signed in. The documents are for administrators.", {
        href: SIGN_IN,
        textContent: "Sign in",
      });
    case 403:
      return void tell("Your user may not see the documents. They are for administrators.");
    default:
      return void tell(`The gateway answers ${answer.status}. Reload this page in a few seconds.`);
  }
};

const show = ({ urls, silent }) => {
  if (silent.length > 0) {
    tell(`No answer from ${silent.join(", ")}. Reload this page in a few seconds.`);
  }
  const select = document.getElementById("document");
  select.replaceChildren(...urls.map(({ name, url }) => new Option(name, url)));
  const ui = SwaggerUIBundle({
    url: select.value,
    dom_id: "#swagger-ui",
    // Validating by somebody else's server would tell it what there is here.
    validatorUrl: null,
    requestInterceptor: withToken,
  });
  select.addEventListener("change", () => {
    ui.specActions.updateUrl(select.value);
    ui.specActions.download(select.value);
  });
  const form = document.getElementById("choice");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

list().then((found) => found && show(found));
