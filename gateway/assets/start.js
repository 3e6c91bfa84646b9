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

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: endpoint }),
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: "headers",
    defaultQuery: help + (query || firstQuery),
  }),
);
