/* Serial output and screenshots. */

#include <string.h>

#include <base/clock.h>
#include <base/strbuf.h>
#include <base/text.h>

#include "call.h"
#include "errors.h"
#include "names.h"
#include "ops.h"

/* Port 1, or --gcp-serial-port: the console of Linux and, of Windows, what its
 * firmware says; its emergency console is on port 2.  `start` is a byte's
 * number since the start of the VM; what has fallen out of the last MiB is left
 * out. [discovery, getSerialPortOutput] */
int
gcp_serial_log_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);
  int64_t after =
      json_bool (in, "page.anew", false) ? 0 : json_int (in, "after", 0);
  CLEANUP_FREE char *start =
      xasprintf ("%lld", (long long)(after > 0 ? after : 0));
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  http_form_add (&query, "port", json_str (b->config, "serial-port", "1"));
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

json_t *
gcp_console (const struct http_reply *reply, struct err **err)
{
  CLEANUP_HTTP_REPLY struct http_reply clean = {.status = reply->status};

  clean.body = without_zeros (reply->body, reply->body_len);
  clean.body_len = strlen (clean.body);
  return gcp_reply (GCP_SERIAL_PORT, &clean, err);
}

/* One that ends before where we were has begun anew, with the VM: all of it is
 * new.  One of a stopped VM can't be read, and begins with its next start: a
 * guess, from its being kept only while the VM runs; `next` of a VM before its
 * stop and after its start would confirm it. */
int
gcp_serial_log_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root = gcp_console (reply, &why);
  int64_t next, after = json_int (in, "after", 0);
  bool anew = json_bool (in, "page.anew", false);

  (void)b;
  if (root == NULL && why->code == ERR_CONFLICT) {
    *out = json_make ("{s:s,s:i}", "text", "", "after", 0);
    return 0;
  }
  if (root == NULL)
    return err_move (err, TAKE (why));
  next = gcp_number (root, "next");
  *out = json_make ("{s:s,s:I}", "text", json_str (root, "contents", ""),
                    "after", (json_int_t)(next >= 0 ? next : after));
  if (next >= 0 && next < after && !anew)
    json_put (*out, "next", json_make ("{s:b}", "anew", 1));
  return 0;
}

/* --- screenshot ----------------------------------------------------------- */

#define NO_DISPLAY "Compute has no screenshot of it: its display device is off"

int
gcp_screenshot_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);

  if (id == NULL)
    return -1;
  if (!json_bool (in, "vm.facts.display", true))
    return err_set (err, ERR_NOT_FOUND, NO_DISPLAY);
  gcp_request (b, GCP_SCREENSHOT, id, NULL, NULL, in, req);
  req->max_reply_bytes = 16 << 20;
  return 0;
}

/* Its type is in its first bytes.  Another state than running passes, but not
 * soon enough to be waited for. */
int
gcp_screenshot_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root = gcp_reply (GCP_SCREENSHOT, reply, &why);
  const char *data = json_str (root, "contents", "");

  (void)b;
  (void)in;
  if (root == NULL) {
    if (why->code == ERR_CONFLICT)
      why->code = ERR_NOT_FOUND;
    return err_move (err, TAKE (why));
  }
  if (*data == '\0')
    return err_set (err, ERR_NOT_FOUND, NO_DISPLAY);
  *out =
      json_make ("{s:s,s:s}", "type",
                 strncmp (data, "iVBOR", 5) == 0 ? "image/png" : "image/jpeg",
                 "data", data);
  return 0;
}

/* --- guest attributes ----------------------------------------------------- */

/* OS Config's agent writes its inventory soon after each boot, and every ten
 * minutes: a time in it after the last start is a word from inside.
 * [Compute, "OS inventory management"] */
int
gcp_guest_ping_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  http_form_add (&query, "queryPath", "guestInventory/LastUpdated");
  gcp_request (b, GCP_GUEST_ATTRIBUTES, id, &query, NULL, in, req);
  return 0;
}

static int
not_alive (const char *why, json_t **out)
{
  *out = json_make ("{s:b,s:s}", "alive", 0, "why", why);
  return 0;
}

int
gcp_guest_ping_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root = gcp_reply (GCP_GUEST_ATTRIBUTES, reply, &why);
  const json_t *item = json_array_get (json_at (root, "queryValue.items"), 0);
  const char *value = json_str (item, "value", "");
  CLEANUP_FREE char *shown = NULL, *text = NULL;
  int64_t started, written;

  (void)b;
  if (root == NULL && why->code != ERR_NOT_FOUND)
    return err_move (err, TAKE (why));
  if (time_parse_ms (value, &written) == -1)
    return not_alive ("its OS inventory says nothing yet", out);
  shown = text_printable (value);
  if (time_parse_ms (json_str (in, "vm.facts.launched", ""), &started) == -1 ||
      written <= started) {
    text = xasprintf ("its OS inventory is of %.40s, before its last start",
                      shown);
    return not_alive (text, out);
  }
  text = xasprintf ("its OS inventory was written at %.40s", shown);
  *out = json_make ("{s:b,s:s}", "alive", 1, "why", text);
  return 0;
}
