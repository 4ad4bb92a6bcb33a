// The page of the API's documentation: Swagger UI from our own origin, asking no validator elsewhere.
// What axe finds in its markup is mended: deep links inside buttons are off, its title gives way to the page's own
// heading, its list of one server goes; build.mjs turns its second <main> into a <div>, api-docs.css mends its colours.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';

const nothing = () => () => null;
const root = document.getElementById('api-docs');
SwaggerUI({
  domNode: root,
  url: root.dataset.openapiUrl,
  deepLinking: false,
  validatorUrl: null,
  defaultModelsExpandDepth: -1,
  plugins: [{ wrapComponents: { InfoContainer: nothing, ServersContainer: nothing } }],
  requestInterceptor(request) {
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) request.headers['X-CSRFToken'] = token.content;
    return request;
  },
});
