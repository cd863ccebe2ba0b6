/* Runs rows of a provider's table from a shell script:
 *
 *   provider-call PROVIDER ACCOUNT OP [JSON] [OP [JSON]]...
 *
 * opens the provider once and makes one call after the other; JSON is `in`
 * ("-" is none).  OP "select" turns words into a selector, "sleep" waits for
 * JSON seconds, and "with-selector WORDS" is find for these words.  One line of
 * JSON for each reply, {"error": {...}} for a failed one.  Exit code 1 if any
 * failed. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <providers/provider.h>

static json_t *
selector_of (const struct provider *provider, const char *words,
             struct err **err)
{
  json_t *selector = NULL;

  if (provider->parse_selector (words, &selector, err) == -1)
    return NULL;
  return json_make ("{s:o}", "selector", selector);
}

static const struct provider_op *
op_named (const struct provider *provider, const char *name)
{
  for (size_t i = 0; i < OP_COUNT; i++)
    if (provider->ops[i].name && strcmp (provider->ops[i].name, name) == 0)
      return &provider->ops[i];
  return NULL;
}

static int
call (const struct binding *b, const char *name, const char *argument,
      json_t **out, struct err **err)
{
  const struct provider_op *op;
  CLEANUP_JSON json_t *in = NULL;

  if (strcmp (name, "sleep") == 0) {
    sleep ((unsigned)atoi (argument));
    *out = json_object ();
    return 0;
  }
  if (strcmp (name, "select") == 0) {
    *out = selector_of (b->provider, argument, err);
    return *out ? 0 : -1;
  }
  if (strcmp (name, "with-selector") == 0) {
    in = selector_of (b->provider, argument, err);
    name = "find";
  } else
    in = json_parse (argument, strlen (argument), name, err);
  if (in == NULL)
    return -1;
  op = op_named (b->provider, name);
  if (op == NULL)
    return err_set (err, ERR_USAGE, "no operation %s", name);
  return op->call (b, in, out, err);
}

static int
say (json_t *out, struct err *err)
{
  CLEANUP_JSON json_t *shown =
      err ? json_make ("{s:o}", "error", json_from_err (err)) : out;
  CLEANUP_FREE char *text = json_text (shown);

  printf ("%s\n", text);
  fflush (stdout);
  err_free (err);
  return err ? 1 : 0;
}

int
main (int argc, char **argv)
{
  struct binding b = {0};
  struct err *err = NULL;
  int failed = 0;

  if (argc < 4)
    return 2;
  b.provider = provider_by_name (argv[1]);
  if (b.provider == NULL)
    return 2;
  b.account = xstrdup (argv[2]);
  b.region = xstrdup ("");
  b.config = json_object ();
  if (b.provider->open (&b, &err) == -1)
    failed = say (NULL, err);
  for (int i = 3; i + 1 < argc && b.handle; i += 2) {
    json_t *out = NULL;

    err = NULL;
    if (call (&b, argv[i], argv[i + 1], &out, &err) == -1)
      json_decref (TAKE (out));
    failed |= say (out, err);
  }
  if (b.handle)
    b.provider->close (&b);
  free (b.account);
  free (b.region);
  json_decref (b.config);
  return failed;
}
