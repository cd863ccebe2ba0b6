/* Console and screenshot, from the boot diagnostics.
 *
 * ARM gives addresses of blobs that carry their own permission (SAS): they are
 * fetched without our token, and are never shown.  in.page:
 *   {sas}               the first look at the blob
 *   {sas, from, total}  the part of the log that is wanted */

#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <net/retry.h>

#include "ops.h"

/* The log grows up to 1 GB; its end is what counts. */
#define LOG_BYTES   (256 * 1024)
#define IMAGE_BYTES (16 * 1024 * 1024)

static int
make_diagnostics (const struct binding *b, const json_t *in,
                  struct azure_call *call, struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);

  (void)b;
  if (id == NULL)
    return -1;
  call->method = "POST";
  call->api = API_VM;
  call->query = "sasUriExpirationTimeInMinutes=60";
  call->path = xasprintf ("%s/retrieveBootDiagnosticsData", id);
  return 0;
}

const struct azure_op azure_op_diagnostics =
    {"retrieveBootDiagnosticsData",
     "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
     .make = make_diagnostics};

static void
blob_request (const json_t *in, const char *range, struct http_request *req)
{
  req->action = "blob";
  req->method = xstrdup ("GET");
  req->url = xstrdup (json_str (in, "page.sas", ""));
  req->repeatable = true;
  req->max_reply_bytes = IMAGE_BYTES;
  if (range)
    http_header_add (&req->headers, "x-ms-range", range);
}

/* The address that ARM gave: the next request. */
static int
read_address (const struct http_reply *reply, const char *member, json_t **out,
              struct err **err)
{
  CLEANUP_JSON json_t *root =
      azure_reply (reply, azure_op_diagnostics.right, false, err);
  const char *sas = json_str (root, member, "");

  if (root == NULL)
    return -1;
  if (*sas == '\0')
    return err_set (err, ERR_NOT_FOUND,
                    "there are no boot diagnostics of it (az vm "
                    "boot-diagnostics enable)");
  *out = json_make ("{s:{s:s}}", "next", "sas", sas);
  return 0;
}

static int
check_blob (const struct http_reply *reply, struct err **err)
{
  if (reply->status >= 200 && reply->status <= 299)
    return 0;
  if (reply->status == 404)
    return err_set (err, ERR_NOT_FOUND, "Azure has written none of it yet");
  return err_set (err, http_status_code (reply->status, true),
                  "its boot diagnostics can't be read: HTTP %d of the storage "
                  "account",
                  reply->status);
}

/* --- screenshot ----------------------------------------------------------- */

int
azure_screenshot_build (const struct binding *b, const json_t *in,
                        struct http_request *req, struct err **err)
{
  if (json_at (in, "page.sas") == NULL)
    return azure_op_build (&azure_op_diagnostics, b, in, req, err);
  blob_request (in, NULL, req);
  return 0;
}

int
azure_screenshot_parse (const struct binding *b, const json_t *in,
                        const struct http_reply *reply, json_t **out,
                        struct err **err)
{
  CLEANUP_FREE char *data = NULL;

  (void)b;
  if (json_at (in, "page.sas") == NULL)
    return read_address (reply, "consoleScreenshotBlobUri", out, err);
  if (check_blob (reply, err) == -1)
    return -1;
  if (reply->body_len < 2 || memcmp (reply->body, "BM", 2) != 0)
    return err_set (err, ERR_NOT_FOUND, "its screenshot is no bitmap");
  data = base64_encode (reply->body, reply->body_len);
  *out = json_make ("{s:s,s:s}", "type", "image/bmp", "data", data);
  return 0;
}

/* --- serial log ----------------------------------------------------------- */

int
azure_serial_log_build (const struct binding *b, const json_t *in,
                        struct http_request *req, struct err **err)
{
  CLEANUP_FREE char *range = NULL;

  if (json_at (in, "page.sas") == NULL)
    return azure_op_build (&azure_op_diagnostics, b, in, req, err);
  if (json_at (in, "page.total"))
    range =
        xasprintf ("bytes=%lld-%lld", (long long)json_int (in, "page.from", 0),
                   (long long)json_int (in, "page.total", 1) - 1);
  blob_request (in, range ? range : "bytes=0-0", req);
  return 0;
}

/* "bytes 0-0/12345" */
static int64_t
total_of (const struct http_reply *reply)
{
  const char *range = http_header_get (&reply->headers, "Content-Range");
  const char *slash = range ? strchr (range, '/') : NULL;

  return slash ? strtoll (slash + 1, NULL, 10) : (int64_t)reply->body_len;
}

/* A console has any bytes: if they are no UTF-8, all that is no ASCII becomes
 * "?". */
static char *
text_of (const char *data, size_t len)
{
  json_t *probe = json_stringn (data, len);
  bool good = probe && strlen (data) == len;
  char *text = xmalloc (len + 1);

  json_decref (probe);
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)data[i];

    text[i] = c == 0 || (c >= 0x80 && !good) ? '?' : data[i];
  }
  text[len] = '\0';
  return text;
}

/* What an earlier look has seen is left out; a log that has become shorter was
 * begun anew. */
static int
read_size (const json_t *in, const struct http_reply *reply, json_t **out,
           struct err **err)
{
  int64_t total = 0, after = json_int (in, "after.length", 0), from;

  if (reply->status != 416) { /* an empty blob has no first byte */
    if (check_blob (reply, err) == -1)
      return -1;
    total = total_of (reply);
  }
  from = after <= total ? after : 0;
  if (total - from > LOG_BYTES)
    from = total - LOG_BYTES;
  if (from >= total)
    *out = json_make ("{s:s,s:{s:I}}", "text", "", "after", "length",
                      (json_int_t)total);
  else
    *out = json_make ("{s:{s:s,s:I,s:I}}", "next", "sas",
                      json_str (in, "page.sas", ""), "from", (json_int_t)from,
                      "total", (json_int_t)total);
  return 0;
}

int
azure_serial_log_parse (const struct binding *b, const json_t *in,
                        const struct http_reply *reply, json_t **out,
                        struct err **err)
{
  CLEANUP_FREE char *text = NULL;

  (void)b;
  if (json_at (in, "page.sas") == NULL)
    return read_address (reply, "serialConsoleLogBlobUri", out, err);
  if (json_at (in, "page.total") == NULL)
    return read_size (in, reply, out, err);
  if (check_blob (reply, err) == -1)
    return -1;
  text = text_of (reply->body, reply->body_len);
  *out = json_make ("{s:s,s:{s:I}}", "text", text, "after", "length",
                    (json_int_t)json_int (in, "page.total", 0));
  return 0;
}
