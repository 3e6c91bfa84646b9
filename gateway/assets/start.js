// Starts GraphiQL against this gateway. The header editor is on; headers stay in the tab.
const { endpoint, query } = document.currentScript.dataset;

const help = `# Ctrl-Enter runs the operation at the cursor,
# Ctrl-Space completes names, the book icon on
# the left opens the documentation.
# After a log-in, send the token: tab "Headers",
#   { "Authorization": "Bearer <access token>" }

`;

const firstQuery = `query WhatIsHere {
  __schema {
    queryType {
      fields {
        name
        description
      }
    }
  }
}
`;

// Links can carry an operation: /?query=...&variables=...
const link = new URLSearchParams(location.search);

const root = ReactDOM.createRoot(document.getElementById("graphiql"));

// A new fetcher makes GraphiQL ask for the schema again; what has been typed stays.
function render() {
  root.render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url: endpoint }),
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      defaultEditorToolsVisibility: "headers",
      defaultQuery: help + (query || firstQuery),
      query: link.get("query") ?? undefined,
      variables: link.get("variables") ?? undefined,
    }),
  );
}
render();

// While a graph is developed (`concord dev`), problems are shown above everything else, and hints
// on request.
const problems = document.getElementById("problems");
const hints = document.getElementById("hints");
let schema;
async function watchBanner() {
  const answer = await fetch("/graphiql/banner").catch(() => undefined);
  if (answer?.status === 204) return;
  const banner = answer?.ok
    ? await answer.json()
    : { ok: false, text: "The gateway does not answer.", hints: "", schema };
  problems.hidden = banner.ok;
  problems.textContent = banner.text;
  hints.hidden = banner.hints === "";
  hints.querySelector("pre").textContent = banner.hints;
  if (schema !== undefined && banner.schema !== schema) render();
  schema = banner.schema;
  setTimeout(watchBanner, 1000);
}
watchBanner();
