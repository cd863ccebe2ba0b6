#include "request.h"

#include "helper-option.h"

#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <base/text.h>
#include <controller/agent-link.h>
#include <controller/notify.h>
#include <providers/provider.h>
#include <recipes/signature.h>

#include "selection.h"

/* What else can be done with a file that is too large to be brought along. */
static const char *
other_way (const json_t *declared)
{
  return json_object_get (declared, "from")
             ? ": put it on the disk by other means, such as from a helper, "
               "and "
               "name its place there (--param from=PATH)"
             : "";
}

/* The file that "@FILE" names, in base64. */
static char *
content_of (const char *name, const char *path, const json_t *declared,
            struct err **err)
{
  CLEANUP_FREE char *data = NULL;
  struct stat st;
  size_t len;

  if (stat (path, &st) == 0 && st.st_size > RECIPE_MAX_FILE) {
    err_set (err, ERR_USAGE,
             "--param: %s: %s has %lld bytes, and no more than %d can be "
             "brought along%s",
             name, path, (long long)st.st_size, RECIPE_MAX_FILE,
             other_way (declared));
    return NULL;
  }
  if (file_read (path, RECIPE_MAX_FILE, &data, &len, err) == -1) {
    err_wrap (err, "--param: %s", name);
    return NULL;
  }
  return base64_encode (data, len);
}

json_t *
request_values (const struct cli *cli, const json_t *recipe, struct err **err)
{
  CLEANUP_JSON json_t *values = options_pairs (cli->options, "param");
  const json_t *declared = json_at (recipe, "parameters");
  const char *name;
  json_t *value;
  void *next;

  json_object_foreach_safe (values, next, name, value)
  {
    const char *text = json_string_value (value);
    const json_t *parameter = json_object_get (declared, name);
    CLEANUP_FREE char *content = NULL;

    if (text[0] != '@' ||
        strcmp (json_str (parameter, "type", ""), "content") != 0)
      continue;
    content = content_of (name, text + 1, declared, err);
    if (content == NULL)
      return NULL;
    json_put_str (values, name, content);
  }
  return TAKE (values);
}

struct recipe *
request_recipe (const struct cli *cli, struct err **err)
{
  const char *name = options_text (cli->options, "recipe");
  CLEANUP_JSON json_t *json = NULL, *values = NULL;
  struct recipe *recipe;

  if (name == NULL) {
    err_set (err, ERR_USAGE,
             "--recipe is missing; `bootmend recipes list` shows what there "
             "is");
    return NULL;
  }
  json = recipe_find (name, err);
  if (json == NULL)
    return NULL;
  values = request_values (cli, json, err);
  recipe = values ? recipe_new (json, values, err) : NULL;
  if (recipe == NULL)
    err_wrap (err, "%s", name);
  return recipe;
}

json_t *
request_origin (const struct cli *cli, const struct recipe *recipe,
                struct err **err)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_JSON json_t *origin = NULL;
  bool unsigned_too = options_flag (cli->options, "allow-unsigned");

  if (trusted_keys_all (&keys, err) == -1)
    return NULL;
  origin =
      origin_find (options_text (cli->options, "recipe"), recipe, &keys, err);
  if (origin == NULL ||
      origin_check (origin, recipe, unsigned_too, &keys, err) == -1)
    return NULL;
  return TAKE (origin);
}

json_t *
request_agent (const struct cli *cli)
{
  static const char *const passed[] = {"batch", "workers", "isolation"};
  CLEANUP_FREE char *program = agent_link_local_program ();
  json_t *argv = json_make ("[s]", program);

  for (size_t i = 0; i < ARRAY_SIZE (passed); i++)
    if (options_count (cli->options, passed[i])) {
      CLEANUP_FREE char *word =
          xasprintf ("--%s=%s", passed[i],
                     options_text (cli->options, passed[i]));

      json_array_append_new (argv, json_string (word));
    }
  return argv;
}

/* {libvirt: {"libvirt-uri": "..."}}: what was given of each provider's own. */
static json_t *
provider_options (const struct cli *cli)
{
  json_t *all = json_object ();

  for (size_t i = 0; providers[i]; i++) {
    const struct provider_option *options = providers[i]->options;
    json_t *config = json_object ();

    for (size_t j = 0; options && options[j].name; j++)
      if (options_count (cli->options, options[j].name)) {
        const struct str_vec *texts =
            options_list (cli->options, options[j].name);

        if (texts->len)
          json_put_str (config, options[j].name, texts->ptr[0]);
        else
          json_put_bool (config, options[j].name, true);
      }
    json_put (all, providers[i]->name, config);
  }
  return all;
}

/* A campaign may be resumed from another folder. */
static void
put_path (json_t *to, const char *key, const char *path)
{
  CLEANUP_FREE char *whole = path ? realpath (path, NULL) : NULL;

  json_put_str (to, key, whole ? whole : path);
}

static json_t *
http_options (const struct cli *cli)
{
  json_t *http = json_object ();

  put_path (http, "ca_file", options_text (cli->options, "ca-file"));
  put_path (http, "limits_file", options_text (cli->options, "limits"));
  return http;
}

static json_t *
strings_to_json (const char *const *strings, size_t n)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < n; i++) {
    json_t *text = json_string (strings[i]);

    json_array_append_new (list, text ? text : json_string ("(not UTF-8)"));
  }
  return list;
}

/* "file:PATH" in --order is the words in that file, one a line. */
static int
add_order_file (const char *path, json_t *words, struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  size_t len;

  if (file_read (path, 16 << 20, &text, &len, err) == -1)
    return err_wrap (err, "--order");
  for (char *at = text; *at;) {
    size_t n = strcspn (at, "\r\n");
    CLEANUP_FREE char *word = xstrndup (at, n);

    if (*word && *word != '#')
      json_array_append_new (words, json_string (word));
    at += n + (at[n] != '\0');
  }
  return 0;
}

static int
expand_order (json_t *policy, struct err **err)
{
  const json_t *given = json_object_get (policy, "order");
  json_t *words, *item;
  size_t i;

  if (given == NULL)
    return 0;
  words = json_array ();
  json_array_foreach (given, i, item)
  {
    const char *word = json_string_value (item);

    if (strncmp (word, "file:", 5) != 0)
      json_array_append (words, item);
    else if (add_order_file (word + 5, words, err) == -1) {
      json_decref (words);
      return -1;
    }
  }
  json_put (policy, "order", words);
  return 0;
}

json_t *
request_amended (const struct cli *cli, struct err **err)
{
  CLEANUP_JSON json_t *request =
      json_make ("{s:{},s:{},s:o}", "agents", "helpers", "policy",
                 options_to_json (cli->options, "policy."));

  if (helper_options_add (cli, json_object_get (request, "agents"),
                          json_object_get (request, "helpers"), err) == -1)
    return NULL;
  return TAKE (request);
}

json_t *
request_of_providers (const struct cli *cli)
{
  return json_make ("{s:[],s:{},s:o,s:o}", "selection", "policy", "providers",
                    provider_options (cli), "http", http_options (cli));
}

json_t *
request_keys (const struct cli *cli)
{
  const struct str_vec *words = options_list (cli->options, "keys");

  return strings_to_json ((const char *const *)words->ptr, words->len);
}

/* A snapshot from before the damage needs no repair. */
static int
add_recipe (const struct cli *cli, json_t *request, struct err **err)
{
  CLEANUP_RECIPE struct recipe *recipe = NULL;
  json_t *origin;

  if (options_count (cli->options, "before") &&
      !options_count (cli->options, "recipe"))
    return 0;
  recipe = request_recipe (cli, err);
  if (recipe == NULL || (origin = request_origin (cli, recipe, err)) == NULL)
    return -1;
  json_put (request, "recipe", json_incref (recipe->json));
  json_put (request, "parameters", json_incref (recipe->values));
  json_put (request, "origin", origin);
  return 0;
}

json_t *
request_new (const struct cli *cli, struct err **err)
{
  json_t *selection = selection_read (&cli->options->args, err);
  json_t *request, *agents;

  if (selection == NULL)
    return NULL;
  request = json_object ();
  agents = json_object ();
  json_put (agents, "local", request_agent (cli));
  json_put (request, "selection", selection);
  json_put (request, "policy", options_to_json (cli->options, "policy."));
  json_put (request, "providers", provider_options (cli));
  json_put (request, "agents", agents);
  json_put (request, "http", http_options (cli));
  json_put (request, "helpers", json_object ());
  if (add_recipe (cli, request, err) == -1 ||
      helper_options_add (cli, agents, json_object_get (request, "helpers"),
                          err) == -1 ||
      expand_order (json_object_get (request, "policy"), err) == -1) {
    json_decref (request);
    return NULL;
  }
  json_put (request, "keys", request_keys (cli));
  {
    CLEANUP_JSON json_t *words =
        strings_to_json (cli->argv, strv_length ((char *const *)cli->argv));

    json_put (request, "command", notify_mask_words (words));
  }
  return request;
}

char *
request_state_folder (const struct cli *cli)
{
  const char *given = options_text (cli->options, "state-dir");

  return given ? xstrdup (given) : state_folder ();
}

const char *
request_campaign_id (const struct cli *cli)
{
  return cli->options->args.len ? cli->options->args.ptr[0] : "last";
}

char **
request_patterns (const struct cli *cli)
{
  const struct str_vec *given = options_list (cli->options, "vm");
  char **patterns;

  if (given->len == 0)
    return NULL;
  patterns = xcalloc (given->len + 1, sizeof *patterns);
  for (size_t i = 0; i < given->len; i++)
    patterns[i] = given->ptr[i];
  return patterns;
}
