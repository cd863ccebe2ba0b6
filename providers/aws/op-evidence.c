/* Console output and screenshots; what was created by a campaign. */

#include <string.h>

#include <base/text.h>

#include "errors.h"
#include "ops.h"
#include "record.h"

/* So much of the end of a log is remembered, to find the place again. */
#define TAIL_BYTES 256

/* --- console output ------------------------------------------------------ */

/* The current output is there for Nitro types only, which the record does not
 * tell (hypervisor is "xen" for both); others refuse Latest, and are asked for
 * what EC2 keeps of the last start.  in.page: {"latest": false} */
static bool
wants_latest (const json_t *in)
{
  return json_bool (in, "page.latest", true);
}

int
aws_serial_log_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  aws_form (&form, id, "InstanceId");
  if (wants_latest (in))
    aws_form (&form, "true", "Latest");
  aws_request (b, AWS_GET_CONSOLE_OUTPUT, in, &form, req);
  return 0;
}

/* Length of the UTF-8 character at p, 0 if it is none. */
static size_t
character (const unsigned char *p, size_t len)
{
  size_t n = *p < 0x80                 ? 1
             : *p >= 0xc2 && *p < 0xe0 ? 2
             : *p >= 0xe0 && *p < 0xf0 ? 3
             : *p >= 0xf0 && *p < 0xf5 ? 4
                                       : 0;

  if (n > len)
    return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
      (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
    return 0;
  return n;
}

/* A console has any bytes: what is no UTF-8, and zeros, become "?". */
static char *
text_of (const unsigned char *data, size_t len)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < len;) {
    size_t n = data[i] ? character (data + i, len - i) : 0;

    if (n)
      strbuf_add (&sb, data + i, n);
    else
      strbuf_addch (&sb, '?');
    i += n ? n : 1;
  }
  return strbuf_take (&sb);
}

/* What comes behind the place where an earlier look ended.  EC2 keeps 64 KB:
 * as long as nothing has fallen out at the front the place is where it was;
 * then it is where its words are last (a guest that loops says the same again
 * and again); if they are nowhere, all is new. */
static const char *
behind (const char *text, const json_t *after)
{
  const char *tail = json_str (after, "tail", "");
  size_t len = strlen (tail), end = (size_t)json_int (after, "length", 0);
  const char *found = NULL;

  if (len == 0)
    return text;
  if (end >= len && end <= strlen (text) &&
      memcmp (text + end - len, tail, len) == 0)
    return text + end;
  for (const char *p = text; (p = strstr (p, tail)) != NULL; p++)
    found = p;
  return found ? found + len : text;
}

static json_t *
place_of (const char *text)
{
  size_t len = strlen (text);
  const char *tail = len > TAIL_BYTES ? text + len - TAIL_BYTES : text;

  while ((*tail & 0xc0) == 0x80) /* not into the middle of a character */
    tail++;
  return json_make ("{s:s,s:I}", "tail", tail, "length", (json_int_t)len);
}

int
aws_serial_log_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root =
      aws_reply (AWS_GET_CONSOLE_OUTPUT, in, reply, &why);
  CLEANUP_FREE unsigned char *data = NULL;
  CLEANUP_FREE char *text = NULL;
  size_t len = 0;

  (void)b;
  if (root == NULL) {
    if (!wants_latest (in) || why->code != ERR_REFUSED)
      return err_move (err, TAKE (why));
    *out = json_make ("{s:{s:b}}", "next", "latest", 0);
    return 0;
  }
  if (base64_decode (json_str (root, "output", ""), &data, &len) == -1)
    return err_set (err, ERR_PROTOCOL, "its console output is no base64");
  text = text_of (data, len);
  *out = json_make ("{s:s,s:o}", "text",
                    behind (text, json_object_get (in, "after")), "after",
                    place_of (text));
  return 0;
}

/* --- screenshot ---------------------------------------------------------- */

/* Without WakeUp, which is a key press. */
static int
fill_screenshot (const struct binding *b, const json_t *in, struct strbuf *form,
                 struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);

  (void)b;
  aws_form (form, id, "InstanceId");
  return id ? 0 : -1;
}

static int
read_screenshot (const json_t *in, const json_t *root, json_t **out,
                 struct err **err)
{
  const char *data = json_str (root, "imageData", "");

  (void)in;
  if (*data == '\0')
    return err_set (err, ERR_NOT_FOUND, "EC2 has no screenshot of it");
  *out = json_make ("{s:s,s:s}", "type", "image/jpeg", "data", data);
  return 0;
}

const struct aws_op aws_op_screenshot = {AWS_GET_CONSOLE_SCREENSHOT,
                                         fill_screenshot, read_screenshot};

/* --- what a campaign made ------------------------------------------------- */

/* One call for all kinds: by the tag that holds the campaign, and by the tag
 * that holds the token.  Tags come in pages, so that both are collected: page
 * {token, found: {id: {kind, campaign, token}}}. */
int
aws_find_created_build (const struct binding *b, const json_t *in,
                        struct http_request *req, struct err **err)
{
  CLEANUP_JSON json_t *keys = json_make ("[s,s]", TAG_CAMPAIGN, TAG_TOKEN);
  CLEANUP_JSON json_t *types = json_make ("[s,s]", "snapshot", "volume");
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;

  (void)err;
  aws_form_filter (&form, 1, "key", keys);
  aws_form_filter (&form, 2, "resource-type", types);
  aws_form (&form, "1000", "MaxResults");
  aws_form (&form, json_str (in, "page.token", NULL), "NextToken");
  aws_request (b, AWS_DESCRIBE_TAGS, in, &form, req);
  return 0;
}

static void
add_tag (json_t *found, const json_t *tag)
{
  const char *id = json_str (tag, "resourceId", "");
  bool token = strcmp (json_str (tag, "key", ""), TAG_TOKEN) == 0;
  json_t *item = json_object_get (found, id);

  if (item == NULL) {
    item = json_object ();
    json_put (found, id, item);
  }
  json_put_str (item, "kind",
                strcmp (json_str (tag, "resourceType", ""), "volume") == 0
                    ? "disk"
                    : "snapshot");
  json_put_str (item, token ? "token" : "campaign",
                json_str (tag, "value", ""));
}

static json_t *
created_of (const json_t *found, const char *campaign)
{
  json_t *list = json_array (), *item;
  const char *id;

  json_object_foreach ((json_t *)found, id, item)
  {
    const char *of = json_str (item, "campaign", NULL);

    if (of && (campaign == NULL || strcmp (of, campaign) == 0))
      json_array_append_new (list,
                             json_make ("{s:s,s:s,s:s,s:s}", "kind",
                                        json_str (item, "kind", ""), "id", id,
                                        "token", json_str (item, "token", ""),
                                        "campaign", of));
  }
  return list;
}

int
aws_find_created_parse (const struct binding *b, const json_t *in,
                        const struct http_reply *reply, json_t **out,
                        struct err **err)
{
  CLEANUP_JSON json_t *root = aws_reply (AWS_DESCRIBE_TAGS, in, reply, err);
  const json_t *before = json_at (in, "page.found");
  CLEANUP_JSON json_t *found =
      before ? json_deep_copy (before) : json_object ();
  const char *token = json_str (root, "nextToken", "");
  size_t i;
  json_t *tag;

  (void)b;
  if (root == NULL)
    return -1;
  json_array_foreach (json_object_get (root, "tagSet"), i, tag)
  {
    add_tag (found, tag);
  }
  if (*token)
    *out = json_make ("{s:{s:s,s:O}}", "next", "token", token, "found", found);
  else
    *out = json_make ("{s:o}", "created",
                      created_of (found, json_str (in, "campaign", NULL)));
  return 0;
}
