/* Service principals: with a secret, with a certificate, and by a token of
 * another identity provider (workload identity federation).  One request of
 * Entra ID, three ways to show who asks. */

#include "finder.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define MAX_FILE       (1 << 16)

struct principal {
  const char *tenant, *client;
};

/* false: not this source. */
static bool
read_principal (struct azure_finder *f, const char *source,
                struct principal *who)
{
  who->tenant = azure_setting (f, "tenant", "AZURE_TENANT_ID");
  who->client = azure_setting (f, "client-id", "AZURE_CLIENT_ID");
  if (who->tenant && who->client)
    return true;
  azure_tried (f, source, "%s not set",
               who->tenant ? "AZURE_CLIENT_ID" : "AZURE_TENANT_ID");
  return false;
}

static char *
token_url (const struct azure_finder *f, const struct principal *who)
{
  CLEANUP_STRBUF struct strbuf tenant = STRBUF_EMPTY;

  http_percent_encode (&tenant, who->tenant);
  return xasprintf ("%s/%s/oauth2/v2.0/token",
                    json_str (f->binding->config, "authority",
                              "https://login.microsoftonline.com"),
                    tenant.buf);
}

/* What an operator does about it. [Microsoft Entra "authentication and
 * authorization error codes"] */
static const struct {
  const char *code, *hint;
} hints[] = {
    {"AADSTS7000215:", "check AZURE_CLIENT_SECRET: its value, not its id"},
    {"AADSTS7000222:", "the secret has expired: make a new one, as with "
                       "az ad app credential reset"},
    {"AADSTS90002:", "check --azure-tenant or AZURE_TENANT_ID"},
    {"AADSTS900023:", "check --azure-tenant or AZURE_TENANT_ID"},
    {"AADSTS700016:", "check --azure-client-id or AZURE_CLIENT_ID, and that "
                      "the application is in this tenant"},
    {"AADSTS700027:", "the certificate is not registered with this "
                      "application, or another one is meant"},
    {"AADSTS700024:", "check this machine's clock, and that the token is a "
                      "fresh one"},
    {"AADSTS70021:", "no federated identity credential of the application "
                     "fits this token"},
    {"AADSTS500011:", "is --azure-cloud the right one?"},
};

static const char *
hint_of (const char *text)
{
  for (size_t i = 0; i < ARRAY_SIZE (hints); i++)
    if (strncmp (text, hints[i].code, strlen (hints[i].code)) == 0)
      return hints[i].hint;
  return NULL;
}

/* Ids for Microsoft's support follow the words. */
static void
cut_ids (char *text)
{
  char *ids = strstr (text, " Trace ID:");
  size_t len;

  if (ids)
    *ids = '\0';
  len = strlen (text);
  while (len && (text[len - 1] == '.' || text[len - 1] == ' '))
    text[--len] = '\0';
}

/* {"error", "error_description": "AADSTS7000215: ...", ...} */
static int
refused (const struct http_reply *reply, const char *source, struct err **err)
{
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, source, NULL);
  CLEANUP_FREE char *text =
      azure_quote (json_str (json, "error_description",
                             json_str (json, "error", "no reason given")));
  enum err_code code = http_status_code (reply->status, true);
  const char *hint = hint_of (text);

  if (code != ERR_THROTTLED && code != ERR_TRANSIENT)
    code = ERR_AUTH;
  cut_ids (text);
  return err_set (err, code, "%s: Entra ID refuses it (HTTP %d): %s%s%s%s",
                  source, reply->status, text, hint ? " (" : "",
                  hint ? hint : "", hint ? ")" : "");
}

/* Takes the form's rest: who shows it. */
static int
ask (struct azure_finder *f, const struct principal *who, const char *url,
     const char *name, const char *proof, const char *source,
     struct credentials **ret, struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_STRBUF struct strbuf form = STRBUF_SECRET;
  CLEANUP_FREE char *scope = xasprintf ("%s/.default", f->resource);
  CLEANUP_JSON json_t *json = NULL;

  http_form_add (&form, "client_id", who->client);
  http_form_add (&form, "grant_type", "client_credentials");
  http_form_add (&form, "scope", scope);
  if (strcmp (name, "client_assertion") == 0)
    http_form_add (&form, "client_assertion_type", ASSERTION_TYPE);
  http_form_add (&form, name, proof);
  req.method = xstrdup ("POST");
  req.url = xstrdup (url);
  req.repeatable = true;
  http_header_add (&req.headers, "Content-Type",
                   "application/x-www-form-urlencoded");
  req.body_len = form.len;
  req.body = strbuf_take (&form);
  if (azure_fetch (f, &req, NULL, &got, err) == -1)
    return err_wrap (err, "%s", source);
  if (got.reply.status != 200)
    return refused (&got.reply, source, err);
  json = json_parse_secret (got.reply.body, got.reply.body_len, source, NULL);
  *ret = azure_token (f, json, source, err);
  return *ret ? 0 : -1;
}

int
azure_source_principal (struct azure_finder *f, struct credentials **ret,
                        struct err **err)
{
  const char *secret = azure_variable (f, "AZURE_CLIENT_SECRET");
  CLEANUP_FREE char *url = NULL, *source = NULL;
  struct principal who;

  if (secret == NULL) {
    azure_tried (f, "environment", "AZURE_CLIENT_SECRET not set");
    return 0;
  }
  if (!read_principal (f, "environment", &who))
    return 0;
  url = token_url (f, &who);
  source = xasprintf ("application %s with its secret", who.client);
  return ask (f, &who, url, "client_secret", secret, source, ret, err);
}

int
azure_source_certificate (struct azure_finder *f, struct credentials **ret,
                          struct err **err)
{
  const char *path = azure_variable (f, "AZURE_CLIENT_CERTIFICATE_PATH");
  const char *chain = azure_variable (f, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
  CLEANUP_SECRET struct secret *pem = NULL, *assertion = NULL;
  CLEANUP_FREE char *url = NULL, *source = NULL;
  struct principal who;

  if (path == NULL) {
    azure_tried (f, "certificate", "AZURE_CLIENT_CERTIFICATE_PATH not set");
    return 0;
  }
  if (!read_principal (f, "certificate", &who))
    return 0;
  url = token_url (f, &who);
  source =
      xasprintf ("application %s with the certificate %s", who.client, path);
  pem = secret_read_file (path, MAX_FILE, err);
  if (pem == NULL)
    return err_wrap (err, "%s", source);
  assertion =
      azure_assertion (pem,
                       azure_variable (f, "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
                       who.client, url, clock_wall_ms (f->around->clock),
                       chain && (strcmp (chain, "1") == 0 ||
                                 strcasecmp (chain, "true") == 0),
                       err);
  if (assertion == NULL)
    return err_wrap (err, "%s", source);
  return ask (f, &who, url, "client_assertion", assertion->data, source, ret,
              err);
}

/* The file is read at each renewal: whoever wrote it writes it anew. */
int
azure_source_federated (struct azure_finder *f, struct credentials **ret,
                        struct err **err)
{
  const char *path = azure_variable (f, "AZURE_FEDERATED_TOKEN_FILE");
  CLEANUP_SECRET struct secret *token = NULL;
  CLEANUP_FREE char *url = NULL, *source = NULL;
  struct principal who;

  if (path == NULL) {
    azure_tried (f, "workload identity", "AZURE_FEDERATED_TOKEN_FILE not set");
    return 0;
  }
  if (!read_principal (f, "workload identity", &who))
    return 0;
  url = token_url (f, &who);
  source = xasprintf ("application %s with the token of %s", who.client, path);
  token = secret_read_file (path, MAX_FILE, err);
  if (token == NULL)
    return err_wrap (err, "%s", source);
  while (token->len && strchr (" \t\r\n", token->data[token->len - 1]))
    token->data[--token->len] = '\0';
  if (token->len == 0 || strpbrk (token->data, " \t\r\n"))
    return err_set (err, ERR_AUTH, "%s: the file holds no token", source);
  return ask (f, &who, url, "client_assertion", token->data, source, ret, err);
}
