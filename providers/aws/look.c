#include "look.h"

#include <string.h>

static size_t
phase_number (const struct look *look, const json_t *state)
{
  const char *name = json_str (state, "phase", "");
  size_t i = 0;

  while (i < look->n && strcmp (look->phases[i]->name, name) != 0)
    i++;
  return i;
}

/* Goes to the first phase from number i on that has something to ask; false if
 * there is none. */
static bool
enter (const struct look *look, const struct look_at *at, size_t i)
{
  for (; i < look->n; i++) {
    json_t *items = look->phases[i]->items (at);

    if (json_array_size (items) == 0) {
      json_decref (items);
      continue;
    }
    json_put_str (at->state, "phase", look->phases[i]->name);
    json_put (at->state, "items", items);
    json_put_int (at->state, "at", 0);
    json_put (at->state, "token", NULL);
    return true;
  }
  return false;
}

/* Where the look stands: at the page of `in`, or at its beginning.  Gives the
 * phase, NULL if there is none. */
static const struct look_phase *
begin (const struct look *look, struct look_at *at, size_t *number)
{
  const json_t *page = json_object_get (at->in, "page"), *items;
  size_t first;

  at->state = json_is_object (page) ? json_deep_copy (page) : json_object ();
  if (!json_is_object (page))
    enter (look, at, 0);
  *number = phase_number (look, at->state);
  if (*number == look->n)
    return NULL;
  items = json_object_get (at->state, "items");
  first = (size_t)json_int (at->state, "at", 0);
  at->chunk = json_array ();
  for (size_t i = 0; i < look->phases[*number]->chunk; i++)
    if (json_is_string (json_array_get (items, first + i)))
      json_array_append (at->chunk, json_array_get (items, first + i));
  return json_array_size (at->chunk) ? look->phases[*number] : NULL;
}

#define CLEANUP_LOOK CLEANUP (end)
static void
end (struct look_at *at)
{
  json_decref (at->state);
  json_decref (at->chunk);
}

static int
nothing (const struct look_at *at, struct err **err)
{
  if (json_object_get (at->in, "page"))
    return err_set (err, ERR_INTERNAL,
                    "the page \"%s\" of a look makes no sense",
                    json_str (at->state, "phase", ""));
  return err_set (err, ERR_INTERNAL, "a look at nothing");
}

/* STS and KMS are asked about one thing at a time. */
static bool
has_pages (const struct look_phase *phase)
{
  const char *service = aws_actions[phase->action].service;

  return strcmp (service, "sts") != 0 && strcmp (service, "kms") != 0;
}

int
look_build (const struct look *look, const struct binding *b, const json_t *in,
            struct http_request *req, struct err **err)
{
  CLEANUP_LOOK struct look_at at = {.b = b, .in = in};
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;
  size_t number;
  const struct look_phase *phase = begin (look, &at, &number);

  if (phase == NULL)
    return nothing (&at, err);
  phase->fill (&at, &form);
  if (has_pages (phase))
    aws_form (&form, json_str (at.state, "token", NULL), "NextToken");
  aws_request (b, phase->action, in, &form, req);
  return 0;
}

/* EC2: nextToken; Auto Scaling: NextToken. */
static const char *
token_of (const struct look_phase *phase, const json_t *root)
{
  const char *token = json_str (root, "nextToken", "");

  if (!has_pages (phase))
    return "";
  return *token ? token : json_str (root, "NextToken", "");
}

/* What the next request asks: the next page, the next chunk, the next phase.
 * false: there is none. */
static bool
advance (const struct look *look, const struct look_at *at, size_t number,
         const char *token)
{
  const struct look_phase *phase = look->phases[number];
  const json_t *items = json_object_get (at->state, "items");
  int64_t next = json_int (at->state, "at", 0) + (*token ? 0 : phase->chunk);
  bool more = (size_t)next < json_array_size (items);

  if (phase->pages) {
    json_t *rest = NULL;

    if (more)
      rest =
          json_make ("{s:s,s:O,s:I,s:s?}", "phase", phase->name, "items", items,
                     "at", (json_int_t)next, "token", *token ? token : NULL);
    json_put (at->state, "rest", rest);
    return enter (look, at, number + 1);
  }
  json_put_str (at->state, "token", *token ? token : NULL);
  json_put_int (at->state, "at", next);
  return more || enter (look, at, number + 1);
}

int
look_parse (const struct look *look, const struct binding *b, const json_t *in,
            const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_LOOK struct look_at at = {.b = b, .in = in};
  CLEANUP_JSON json_t *root = NULL;
  CLEANUP_ERR struct err *why = NULL;
  size_t number;
  const struct look_phase *phase = begin (look, &at, &number);

  if (phase == NULL)
    return nothing (&at, err);
  root = aws_reply (phase->action, in, reply, &why);
  if (root)
    phase->read (&at, root);
  else if (!phase->failed || !phase->failed (&at, reply, why))
    return err_move (err, TAKE (why));
  if (advance (look, &at, number, root ? token_of (phase, root) : ""))
    *out = json_make ("{s:O}", "next", at.state);
  else
    *out = look->finish (&at);
  return 0;
}
