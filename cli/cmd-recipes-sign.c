/* `bootmend recipes sign|verify|trust`: who answers for a recipe. */

#include "command.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <base/log.h>
#include <recipes/signature.h>

#include "output.h"
#include "table.h"

/* ---- sign ---- */

static int
sign_one (const char *path, const struct signing_key *key, json_t *list,
          struct err **err)
{
  CLEANUP_JSON json_t *signature = signature_make (path, key, err);
  CLEANUP_FREE char *to = signature_path (path);
  CLEANUP_FREE char *pretty = NULL, *text = NULL;

  if (signature == NULL)
    return err_wrap (err, "%s", path);
  pretty = json_text_pretty (signature);
  text = xasprintf ("%s\n", pretty);
  if (file_write_atomic (to, text, strlen (text), 0644, err) == -1)
    return err_wrap (err, "%s", path);
  json_array_append_new (list,
                         json_make ("{s:s,s:s,s:s}", "recipe", path, "file", to,
                                    "key", json_str (signature, "key", "")));
  return 0;
}

int
cmd_recipes_sign (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  const char *path = options_text (cli->options, "key");
  CLEANUP_SIGNING_KEY struct signing_key *key = NULL;
  CLEANUP_JSON json_t *list = json_array ();
  bool json = options_flag (cli->options, "json");

  if (path == NULL)
    return err_set (err, ERR_USAGE,
                    "--key is missing: the private key to sign with (make one "
                    "with `openssl genpkey -algorithm ed25519 -out KEY.pem`)");
  key = signing_key_read (path, err);
  if (key == NULL)
    return err_wrap (err, "--key");
  for (size_t i = 0; i < args->len; i++) {
    if (sign_one (args->ptr[i], key, list, err) == -1)
      return -1;
    if (!json)
      printf ("%s.sig: signed with the key %s\n", args->ptr[i],
              json_str (json_array_get (list, i), "key", ""));
  }
  if (json)
    output_json ("recipes-sign", json_make ("{s:O}", "signatures", list));
  return EXIT_ALL_WELL;
}

/* ---- verify ---- */

static bool
verify_one (const char *name, const struct trusted_key_vec *keys, bool quiet,
            json_t *list)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *json = recipe_find (name, &err);
  CLEANUP_JSON json_t *origin = NULL;
  CLEANUP_RECIPE struct recipe *recipe =
      json ? recipe_new_example (json, &err) : NULL;
  CLEANUP_FREE char *text = NULL;
  json_t *entry = json_make ("{s:s}", "source", name);
  bool good = false;

  if (recipe)
    origin = origin_find (name, recipe, keys, &err);
  json_array_append_new (list, entry);
  if (origin == NULL) {
    json_put (entry, "error", json_from_err (err));
    log_error ("recipes verify: %s", err->msg);
  } else {
    good = strcmp (json_str (origin, "kind", ""), "unsigned") != 0;
    text = origin_text (origin);
    json_put (entry, "origin", json_incref (origin));
    if (good && !quiet)
      printf ("%s: %s\n", name, text);
    else if (!good)
      log_error ("recipes verify: %s: %s: there is no %s.sig", name, text,
                 name);
  }
  json_put_bool (entry, "good", good);
  return good;
}

int
cmd_recipes_verify (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_JSON json_t *list = json_array ();
  bool json = options_flag (cli->options, "json");
  size_t good = 0;

  if (trusted_keys_all (&keys, err) == -1)
    return -1;
  for (size_t i = 0; i < args->len; i++)
    good += verify_one (args->ptr[i], &keys, json, list);
  if (json)
    output_json ("recipes-verify", json_make ("{s:O}", "recipes", list));
  if (good == args->len)
    return EXIT_ALL_WELL;
  return good ? EXIT_SOME_NOT : EXIT_NONE;
}

/* ---- trust ---- */

static int
list_trusted (struct cli *cli, struct err **err)
{
  static const struct column columns[] = {{"SIGNER", 0},
                                          {"KEY", 0},
                                          {"FILE", COLUMN_CUT}};
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  json_t *list;

  if (trusted_keys_all (&keys, err) == -1)
    return -1;
  list = json_array ();
  for (size_t i = 0; i < keys.len; i++) {
    const struct trusted_key *key = &keys.ptr[i];

    table_row (table, (const char *[]){key->name, key->id, key->path});
    json_array_append_new (list,
                           json_make ("{s:s,s:s,s:s}", "signer", key->name,
                                      "key", key->id, "file", key->path));
  }
  if (options_flag (cli->options, "json")) {
    output_json ("recipes-trust", json_make ("{s:o}", "keys", list));
    return EXIT_ALL_WELL;
  }
  json_decref (list);
  text = table_text (table);
  if (keys.len)
    fputs (text, stdout);
  else
    printf ("no key is trusted: only the built-in recipes count as signed\n");
  return EXIT_ALL_WELL;
}

/* The name of the signer: given, or that of the file. */
static char *
signer_name (const struct cli *cli, const char *path, struct err **err)
{
  const char *given = options_text (cli->options, "name");
  const char *slash = strrchr (path, '/');
  const char *base = slash ? slash + 1 : path;
  const char *dot = strrchr (base, '.');
  CLEANUP_FREE char *name =
      given ? xstrdup (given)
            : xstrndup (base, dot ? (size_t)(dot - base) : strlen (base));

  if (*name == '\0' || *name == '.' || strchr (name, '/') ||
      strlen (name) > 64) {
    err_set (err, ERR_USAGE,
             "--name: '%s' can't be the name of a file (at most 64 characters, "
             "no '/', no '.' at its start)",
             name);
    return NULL;
  }
  return TAKE (name);
}

/* A key that is known already, or another one of that name? */
static int
check_new (const char *folder, const char *name, const char *id, bool *known,
           struct err **err)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  const struct trusted_key *same;

  if (trusted_keys_read (folder, &keys, err) == -1)
    return -1;
  same = trusted_key_by_id (&keys, id);
  *known = same != NULL;
  if (same && strcmp (same->name, name) != 0)
    return err_set (err, ERR_INPUT, "this key is trusted already, as %s (%s)",
                    same->name, same->path);
  for (size_t i = 0; !same && i < keys.len; i++)
    if (strcmp (keys.ptr[i].name, name) == 0)
      return err_set (err, ERR_INPUT,
                      "there is another key of this name, %s; choose another "
                      "name with --name, or remove that file if it is not "
                      "used any more",
                      keys.ptr[i].path);
  return 0;
}

static int
trust (const struct cli *cli, const char *path, struct err **err)
{
  CLEANUP_FREE char *folder = trusted_keys_folder ();
  CLEANUP_FREE char *name = signer_name (cli, path, err);
  CLEANUP_FREE char *pem = NULL, *file = NULL, *to = NULL;
  unsigned char key[KEY_PUBLIC_BYTES];
  char id[KEY_ID_LENGTH + 1];
  bool known;

  if (name == NULL || key_read_public (path, key, err) == -1)
    return -1;
  if (folder == NULL)
    return err_set (err, ERR_INPUT,
                    "there is no home folder to keep the key in: set "
                    "BOOTMEND_TRUSTED_KEYS to a folder");
  key_id (key, id);
  if (check_new (folder, name, id, &known, err) == -1)
    return -1;
  pem = key_public_pem (key);
  file = xasprintf ("%s.pem", name);
  to = path_join (folder, file);
  if (folder_make (folder, 0700, err) == -1 ||
      file_write_atomic (to, pem, strlen (pem), 0644, err) == -1)
    return -1;
  if (options_flag (cli->options, "json"))
    output_json ("recipes-trust",
                 json_make ("{s:[{s:s,s:s,s:s}]}", "keys", "signer", name,
                            "key", id, "file", to));
  else
    printf ("%s %s: recipes signed with the key %s are carried out\n"
            "(remove %s to take that back)\n",
            name, known ? "was trusted already" : "is trusted now", id, to);
  return EXIT_ALL_WELL;
}

int
cmd_recipes_trust (struct cli *cli, struct err **err)
{
  if (cli->options->args.len == 0)
    return list_trusted (cli, err);
  return trust (cli, cli->options->args.ptr[0], err);
}
