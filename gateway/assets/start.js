// Starts GraphiQL against this gateway. The header editor is on; headers stay in the tab.
const endpoint = document.currentScript.dataset.endpoint;

const defaultQuery = `# Ctrl-Enter runs the operation under the cursor, Ctrl-Space completes names.
# The book icon on the left opens the schema's documentation.
# Log in with a mutation, then send the token: tab "Headers" below,
#   { "Authorization": "Bearer <access token>" }

query WhatIsHere {
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
    defaultQuery,
  }),
);
