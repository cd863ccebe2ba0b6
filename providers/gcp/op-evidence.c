/* Serial output and screenshots. */

#include <string.h>

#include <base/strbuf.h>

#include "call.h"
#include "errors.h"
#include "names.h"
#include "ops.h"

/* Port 1: the console of Linux and, of Windows, what its firmware and the
 * emergency console say.  `start` is a byte's number since the start of the VM;
 * what has fallen out of the last MiB is left out. [discovery,
 * getSerialPortOutput] */
int
gcp_serial_log_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);
  int64_t after = json_int (in, "after", 0);
  CLEANUP_FREE char *start =
      xasprintf ("%lld", (long long)(after > 0 ? after : 0));
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  http_form_add (&query, "port", "1");
  http_form_add (&query, "start", start);
  gcp_request (b, GCP_SERIAL_PORT, id, &query, NULL, in, req);
  req->max_reply_bytes = 8 << 20; /* a MiB of what JSON has to escape */
  return 0;
}

/* Zeros, which a console may well send, and which JSON texts here can't hold,
 * become "?"; so do halves of surrogates, which are no characters. */
static char *
without_zeros (const char *body, size_t len)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  for (size_t i = 0; i < len; i++) {
    bool escape = body[i] == '\\' && i + 1 < len;

    if (escape && i + 5 < len && strncmp (body + i, "\\u0000", 6) == 0) {
      strbuf_addch (&sb, '?');
      i += 5;
      continue;
    }
    strbuf_addch (&sb, body[i]);
    if (escape)
      strbuf_addch (&sb, body[++i]);
  }
  return strbuf_take (&sb);
}

int
gcp_serial_log_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_HTTP_REPLY struct http_reply clean = {.status = reply->status};
  CLEANUP_JSON json_t *root = NULL;
  int64_t next;

  (void)b;
  clean.body = without_zeros (reply->body, reply->body_len);
  clean.body_len = strlen (clean.body);
  root = gcp_reply (GCP_SERIAL_PORT, &clean, err);
  if (root == NULL)
    return -1;
  next = gcp_number (root, "next");
  *out =
      json_make ("{s:s,s:I}", "text", json_str (root, "contents", ""), "after",
                 (json_int_t)(next >= 0 ? next : json_int (in, "after", 0)));
  return 0;
}

/* --- screenshot ----------------------------------------------------------- */

int
gcp_screenshot_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);

  if (id == NULL)
    return -1;
  gcp_request (b, GCP_SCREENSHOT, id, NULL, NULL, in, req);
  req->max_reply_bytes = 16 << 20;
  return 0;
}

/* Its type is in its first bytes. */
int
gcp_screenshot_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_JSON json_t *root = gcp_reply (GCP_SCREENSHOT, reply, err);
  const char *data = json_str (root, "contents", "");

  (void)b;
  (void)in;
  if (root == NULL)
    return -1;
  if (*data == '\0')
    return err_set (err, ERR_NOT_FOUND,
                    "Compute has no screenshot of it: is its display device "
                    "off?");
  *out =
      json_make ("{s:s,s:s}", "type",
                 strncmp (data, "iVBOR", 5) == 0 ? "image/png" : "image/jpeg",
                 "data", data);
  return 0;
}
