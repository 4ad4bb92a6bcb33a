// The page of the API's documentation: Swagger UI from our own origin, asking no validator elsewhere.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';

const root = document.getElementById('api-docs');
SwaggerUI({
  domNode: root,
  url: root.dataset.openapiUrl,
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  requestInterceptor(request) {
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) request.headers['X-CSRFToken'] = token.content;
    return request;
  },
});
