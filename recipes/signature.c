#include "signature.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>

#include "builtin.h"
#include "digest.h"

#define MAX_SIGNATURE_FILE 16384
#define FORMAT             1

/* What is signed: nothing else that a key may ever sign looks like this. */
static char *
signed_text (const char *file_sha256, const char *recipe_sha256)
{
  return xasprintf ("bootmend recipe signature %d\n%s\n%s\n", FORMAT,
                    file_sha256, recipe_sha256);
}

char *
signature_path (const char *path)
{
  return xasprintf ("%s.sig", path);
}

/* --- making ----------------------------------------------------------------
 */

static json_t *
signature_json (const struct signing_key *key, const char *file_sha256,
                const char *recipe_sha256)
{
  CLEANUP_FREE char *text = signed_text (file_sha256, recipe_sha256);
  unsigned char public[KEY_PUBLIC_BYTES], bytes[KEY_SIGNATURE_BYTES];
  char id[KEY_ID_LENGTH + 1];
  CLEANUP_FREE char *base64 = NULL;

  signing_key_public (key, public);
  key_id (public, id);
  signing_key_sign (key, text, strlen (text), bytes);
  base64 = base64_encode (bytes, sizeof bytes);
  return json_make ("{s:i,s:s,s:s,s:s,s:s,s:s,s:s}", "bootmend", FORMAT, "kind",
                    "recipe-signature", "algorithm", "ed25519", "key", id,
                    "file_sha256", file_sha256, "recipe_sha256", recipe_sha256,
                    "signature", base64);
}

json_t *
signature_make (const char *path, const struct signing_key *key,
                struct err **err)
{
  CLEANUP_JSON json_t *json = NULL;
  CLEANUP_RECIPE struct recipe *recipe = NULL;
  CLEANUP_FREE char *text = NULL;
  char sum[65];
  size_t len;

  if (file_read (path, 2 * RECIPE_MAX_BYTES, &text, &len, err) == -1)
    return NULL;
  json = json_parse (text, len, path, err);
  recipe = json ? recipe_new_example (json, err) : NULL;
  if (recipe == NULL)
    return NULL;
  digest_bytes (text, len, sum);
  return signature_json (key, sum, recipe->sha256);
}

/* --- looking at ------------------------------------------------------------
 */

struct signature {
  const char *key, *file_sha256, *recipe_sha256;
  unsigned char bytes[KEY_SIGNATURE_BYTES];
};

static int
signature_read (const json_t *json, struct signature *s, struct err **err)
{
  CLEANUP_FREE unsigned char *bytes = NULL;
  const char *text;
  size_t len = 0;

  if (strcmp (json_str (json, "kind", ""), "recipe-signature") != 0)
    return err_set (err, ERR_INPUT, "is no signature of a recipe");
  if (json_int (json, "bootmend", -1) != FORMAT ||
      strcmp (json_str (json, "algorithm", ""), "ed25519") != 0)
    return err_set (err, ERR_INPUT,
                    "signature of another format or algorithm; this bootmend "
                    "knows format %d with ed25519",
                    FORMAT);
  if ((s->key = json_need_str (json, "key", err)) == NULL ||
      (s->file_sha256 = json_need_str (json, "file_sha256", err)) == NULL ||
      (s->recipe_sha256 = json_need_str (json, "recipe_sha256", err)) == NULL ||
      (text = json_need_str (json, "signature", err)) == NULL)
    return -1;
  if (base64_decode (text, &bytes, &len) == -1 || len != sizeof s->bytes)
    return err_set (err, ERR_INPUT,
                    "field \"signature\" is not %zu bytes in "
                    "base64",
                    sizeof s->bytes);
  memcpy (s->bytes, bytes, len);
  return 0;
}

/* file_sha256 NULL: the file is not here, its sum is only what was signed. */
static int
signature_verify (const struct signature *s, const unsigned char *key,
                  const char *file_sha256, const char *recipe_sha256,
                  struct err **err)
{
  CLEANUP_FREE char *text = signed_text (s->file_sha256, s->recipe_sha256);

  if ((file_sha256 && strcmp (file_sha256, s->file_sha256) != 0) ||
      strcmp (recipe_sha256, s->recipe_sha256) != 0)
    return err_set (err, ERR_REFUSED,
                    "the recipe was changed after it was signed; whoever "
                    "changed it has to sign it again");
  if (!key_verify (key, text, strlen (text), s->bytes))
    return err_set (err, ERR_REFUSED,
                    "the signature is not good: it was damaged, or not made by "
                    "the key that it names");
  return 0;
}

/* A recipe's name is that of its file. */
static bool
is_built_in (const struct recipe *recipe)
{
  const struct builtin_recipe *b = builtin_recipes;
  CLEANUP_JSON json_t *json = NULL;
  CLEANUP_FREE char *text = NULL;
  char sum[65];

  while (b->name && strcmp (b->name, recipe->name) != 0)
    b++;
  if (b->name == NULL)
    return false;
  json = json_parse (b->text, b->len, b->name, NULL);
  text = json_text (json);
  digest_bytes (text, strlen (text), sum);
  return strcmp (sum, recipe->sha256) == 0;
}

static json_t *
origin_plain (const char *kind, const struct recipe *recipe)
{
  return json_make ("{s:s,s:s}", "kind", kind, "sha256", recipe->sha256);
}

static json_t *
origin_signed (const char *path, json_t *json, const struct recipe *recipe,
               const struct trusted_key_vec *keys, struct err **err)
{
  struct signature signature;
  const struct trusted_key *key;
  CLEANUP_FREE char *base64 = NULL;
  char sum[65];
  json_t *origin;

  if (signature_read (json, &signature, err) == -1)
    return NULL;
  key = trusted_key_by_id (keys, signature.key);
  if (key == NULL) {
    err_set (err, ERR_REFUSED,
             "signed by the key %s, which is not trusted; if it should be, get "
             "it from its owner and `bootmend recipes trust KEY.pem`",
             signature.key);
    return NULL;
  }
  if (digest_file (path, sum, err) == -1 ||
      signature_verify (&signature, key->key, sum, recipe->sha256, err) == -1)
    return NULL;
  origin = origin_plain ("signed", recipe);
  base64 = base64_encode (key->key, sizeof key->key);
  json_put_str (origin, "signer", key->name);
  json_put_str (origin, "public_key", base64);
  json_put (origin, "signature", json_incref (json));
  return origin;
}

json_t *
origin_find (const char *name_or_path, const struct recipe *recipe,
             const struct trusted_key_vec *keys, struct err **err)
{
  CLEANUP_FREE char *path = signature_path (name_or_path);
  CLEANUP_JSON json_t *json = NULL;
  struct stat st;
  json_t *origin;

  if (is_built_in (recipe))
    return origin_plain ("built-in", recipe);
  if (lstat (path, &st) == -1 && errno == ENOENT)
    return origin_plain ("unsigned", recipe);
  json = json_parse_file (path, MAX_SIGNATURE_FILE, err);
  origin = json ? origin_signed (name_or_path, json, recipe, keys, err) : NULL;
  if (json && origin == NULL)
    err_wrap (err, "%s", path);
  return origin;
}

/* --- may it run? -----------------------------------------------------------
 */

static int
check_signed (const json_t *origin, const struct recipe *recipe,
              const struct trusted_key_vec *trusted, struct err **err)
{
  CLEANUP_FREE unsigned char *key = NULL;
  const char *text = json_need_str (origin, "public_key", err);
  struct signature signature;
  char id[KEY_ID_LENGTH + 1];
  size_t len = 0;

  if (text == NULL ||
      signature_read (json_at (origin, "signature"), &signature, err) == -1)
    return -1;
  if (base64_decode (text, &key, &len) == -1 || len != KEY_PUBLIC_BYTES)
    return err_set (err, ERR_INPUT, "field \"public_key\" is no Ed25519 key");
  key_id (key, id);
  if (strcmp (id, signature.key) != 0)
    return err_set (err, ERR_REFUSED,
                    "signed by the key %s, and the key that came with it is %s",
                    signature.key, id);
  if (trusted && trusted_key_by_id (trusted, id) == NULL)
    return err_set (err, ERR_REFUSED,
                    "signed by the key %s, which is not among the %zu that are "
                    "trusted here",
                    id, trusted->len);
  return signature_verify (&signature, key, NULL, recipe->sha256, err);
}

int
origin_check (const json_t *origin, const struct recipe *recipe,
              bool allow_unsigned, const struct trusted_key_vec *trusted,
              struct err **err)
{
  const char *kind = json_str (origin, "kind", "unsigned");
  int r = 0;

  if (is_built_in (recipe))
    return 0;
  if (strcmp (kind, "signed") == 0)
    r = check_signed (origin, recipe, trusted, err);
  else if (strcmp (kind, "built-in") == 0 && !allow_unsigned)
    r = err_set (err, ERR_REFUSED,
                 "is said to be built in, and this version of bootmend has "
                 "another one of this name; use the version that the campaign "
                 "began with, or --allow-unsigned");
  else if (!allow_unsigned)
    r = err_set (err, ERR_REFUSED,
                 "is not signed; have it signed (`bootmend recipes sign`), or, "
                 "if you have read it and it is yours, say --allow-unsigned");
  return r == 0 ? 0 : err_wrap (err, "recipe \"%s\"", recipe->name);
}

char *
origin_text (const json_t *origin)
{
  const char *kind = json_str (origin, "kind", "unsigned");

  if (strcmp (kind, "built-in") == 0)
    return xstrdup ("built in");
  if (strcmp (kind, "signed") != 0)
    return xstrdup ("not signed");
  return xasprintf ("signed by %s (key %s)", json_str (origin, "signer", "?"),
                    json_str (origin, "signature.key", "?"));
}
