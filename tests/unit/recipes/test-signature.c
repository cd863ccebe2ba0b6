/* Signing: what is signed counts, one changed byte is refused, and an origin is
 * believed nothing. */

#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <base/files.h>
#include <recipes/signature.h>

static char folder[] = "/tmp/test-signature-XXXXXX";

static char *
in_folder (const char *name)
{
  return path_join (folder, name);
}

static void
write_text (const char *path, const char *text)
{
  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, text, strlen (text), 0644,
                                            NULL),
                         0);
}

/* A key pair in NAME.key; its public half in keys/NAME.pem, if it is trusted.
 */
static void
make_key (const char *name, int type, bool trusted)
{
  CLEANUP_FREE char *file = xasprintf ("%s.key", name);
  CLEANUP_FREE char *path = in_folder (file);
  CLEANUP_FREE char *public = xasprintf ("%s/keys/%s.pem", folder, name);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id (type, NULL);
  EVP_PKEY *pkey = NULL;
  FILE *f = fopen (path, "w");

  CU_ASSERT_PTR_NOT_NULL_FATAL (f);
  CU_ASSERT_EQUAL_FATAL (EVP_PKEY_keygen_init (ctx), 1);
  CU_ASSERT_EQUAL_FATAL (EVP_PKEY_keygen (ctx, &pkey), 1);
  PEM_write_PrivateKey (f, pkey, NULL, NULL, 0, NULL, NULL);
  fclose (f);
  if (trusted) {
    f = fopen (public, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL (f);
    PEM_write_PUBKEY (f, pkey);
    fclose (f);
  }
  EVP_PKEY_free (pkey);
  EVP_PKEY_CTX_free (ctx);
}

static void
read_keys (struct trusted_key_vec *keys)
{
  CLEANUP_FREE char *path = in_folder ("keys");
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL_FATAL (trusted_keys_read (path, keys, &err), 0);
}

/* A recipe of our own: the built-in one under another name. */
static json_t *
own_recipe (void)
{
  json_t *json = recipe_find ("crowdstrike-291", NULL);

  json_put_str (json, "name", "of-our-own");
  return json;
}

static char *
write_recipe (const char *file, const json_t *json)
{
  char *path = in_folder (file);
  CLEANUP_FREE char *text = json_text_pretty (json);

  write_text (path, text);
  return path;
}

static void
sign (const char *path, const char *name)
{
  CLEANUP_FREE char *file = xasprintf ("%s.key", name);
  CLEANUP_FREE char *key_path = in_folder (file);
  CLEANUP_FREE char *to = signature_path (path);
  CLEANUP_SIGNING_KEY struct signing_key *key =
      signing_key_read (key_path, NULL);
  CLEANUP_JSON json_t *signature = NULL;
  CLEANUP_FREE char *text = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (key);
  signature = signature_make (path, key, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (signature);
  text = json_text (signature);
  write_text (to, text);
}

static json_t *
find_origin (const char *path, struct err **err)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_JSON json_t *json = recipe_find (path, NULL);
  CLEANUP_RECIPE struct recipe *recipe = recipe_new (json, NULL, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (recipe);
  read_keys (&keys);
  return origin_find (path, recipe, &keys, err);
}

static void
expect_refused (const char *path, const char *text)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *origin = find_origin (path, &err);

  CU_ASSERT_PTR_NULL (origin);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  if (strstr (err->msg, text) == NULL)
    fprintf (stderr, "not \"%s\" but: %s\n", text, err->msg);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, text));
}

static void
test_signed (void)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY,
                                              none = VEC_EMPTY;
  CLEANUP_JSON json_t *json = own_recipe ();
  CLEANUP_FREE char *path = write_recipe ("good.json", json);
  CLEANUP_RECIPE struct recipe *recipe = recipe_new (json, NULL, NULL);
  CLEANUP_JSON json_t *origin = NULL;
  CLEANUP_FREE char *text = NULL;
  CLEANUP_ERR struct err *err = NULL;

  sign (path, "ops");
  origin = find_origin (path, &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (origin);
  CU_ASSERT_STRING_EQUAL (json_str (origin, "kind", ""), "signed");
  CU_ASSERT_STRING_EQUAL (json_str (origin, "signer", ""), "ops");
  text = origin_text (origin);
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "signed by ops (key "));
  read_keys (&keys);
  CU_ASSERT_EQUAL (origin_check (origin, recipe, false, &keys, NULL), 0);
  CU_ASSERT_EQUAL (origin_check (origin, recipe, false, NULL, NULL), 0);
  /* A key that is not trusted any more. */
  CU_ASSERT_EQUAL (origin_check (origin, recipe, true, &none, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_REFUSED);
}

/* White space is nothing to a recipe, and yet it was signed without it. */
static void
test_changed_bytes (void)
{
  CLEANUP_JSON json_t *json = own_recipe ();
  CLEANUP_FREE char *path = write_recipe ("changed.json", json);
  CLEANUP_FREE char *text = json_text_pretty (json);
  CLEANUP_FREE char *longer = xasprintf ("%s ", text);
  CLEANUP_JSON json_t *origin = NULL;

  sign (path, "ops");
  write_text (path, longer);
  expect_refused (path, "changed after it was signed");
  write_text (path, text);
  origin = find_origin (path, NULL);
  CU_ASSERT_PTR_NOT_NULL (origin);
  json_put_str (json, "title", "another");
  free (write_recipe ("changed.json", json));
  expect_refused (path, "changed after it was signed");
}

static void
test_bad_signatures (void)
{
  static const struct {
    const char *field, *value, *text;
  } cases[] = {
      {"kind", "plan", "no signature of a recipe"},
      {"algorithm", "rsa", "another format or algorithm"},
      {"signature", "AAAA", "is not 64 bytes"},
      {"signature",
       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
       "AAAAAAAAAAAAAAAAAAAAAA==",
       "the signature is not good"},
      {"key", "0123456789abcdef0123456789abcdef", "is not trusted"},
      {"file_sha256", "00", "changed after it was signed"},
      {"recipe_sha256", "00", "changed after it was signed"},
      {"key", NULL, "key"},
  };
  CLEANUP_JSON json_t *json = own_recipe ();
  CLEANUP_FREE char *path = write_recipe ("bad.json", json);
  CLEANUP_FREE char *file = signature_path (path);

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CLEANUP_JSON json_t *signature = NULL;
    CLEANUP_FREE char *text = NULL;

    sign (path, "ops");
    signature = json_parse_file (file, 1 << 16, NULL);
    json_put_str (signature, cases[i].field, cases[i].value);
    if (cases[i].value == NULL)
      json_object_del (signature, cases[i].field);
    text = json_text (signature);
    write_text (file, text);
    expect_refused (path, cases[i].text);
  }
  write_text (file, "{");
  expect_refused (path, "bad.json.sig");
  write_text (file, "");
  expect_refused (path, "bad.json.sig");
}

static void
test_stranger (void)
{
  CLEANUP_JSON json_t *json = own_recipe ();
  CLEANUP_FREE char *path = write_recipe ("strange.json", json);

  sign (path, "stranger");
  expect_refused (path, "which is not trusted");
}

/* What came over a pipe or out of a journal. */
static void
test_forged_origins (void)
{
  CLEANUP_JSON json_t *json = own_recipe ();
  CLEANUP_FREE char *path = write_recipe ("forged.json", json);
  CLEANUP_RECIPE struct recipe *recipe = recipe_new (json, NULL, NULL);
  CLEANUP_RECIPE struct recipe *other = NULL;
  CLEANUP_JSON json_t *built_in = json_make ("{s:s}", "kind", "built-in");
  CLEANUP_JSON json_t *origin = NULL, *without = NULL;

  CU_ASSERT_EQUAL (origin_check (NULL, recipe, false, NULL, NULL), -1);
  CU_ASSERT_EQUAL (origin_check (NULL, recipe, true, NULL, NULL), 0);
  CU_ASSERT_EQUAL (origin_check (built_in, recipe, false, NULL, NULL), -1);

  sign (path, "ops");
  origin = find_origin (path, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (origin);
  json_put_str (json, "title", "another");
  other = recipe_new (json, NULL, NULL);
  CU_ASSERT_EQUAL (origin_check (origin, other, true, NULL, NULL), -1);
  without = json_deep_copy (origin);
  json_object_del (without, "public_key");
  CU_ASSERT_EQUAL (origin_check (without, recipe, true, NULL, NULL), -1);
  json_put_str (without, "public_key",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  CU_ASSERT_EQUAL (origin_check (without, recipe, true, NULL, NULL), -1);
}

static void
test_built_in (void)
{
  CLEANUP_JSON json_t *json = recipe_find ("crowdstrike-291", NULL);
  CLEANUP_RECIPE struct recipe *recipe = recipe_new (json, NULL, NULL);
  CLEANUP_JSON json_t *origin =
      origin_find ("crowdstrike-291", recipe, NULL, NULL);
  CLEANUP_FREE char *text = origin_text (origin);

  CU_ASSERT_STRING_EQUAL (text, "built in");
  CU_ASSERT_EQUAL (origin_check (origin, recipe, false, NULL, NULL), 0);
  CU_ASSERT_EQUAL (origin_check (NULL, recipe, false, NULL, NULL), 0);
}

static void
expect_keys_error (const char *text)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_FREE char *path = in_folder ("keys");
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (trusted_keys_read (path, &keys, &err), -1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, text));
}

static void
test_trusted_folder (void)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_FREE char *path = in_folder ("keys");
  CLEANUP_FREE char *key = in_folder ("keys/ops.pem");
  CLEANUP_FREE char *junk = in_folder ("keys/junk.pem");
  CLEANUP_FREE char *curve = in_folder ("keys/curve.pem");
  CLEANUP_FREE char *note = in_folder ("keys/README");

  CU_ASSERT_EQUAL (trusted_keys_read ("/nonexistent/keys", &keys, NULL), 0);
  CU_ASSERT_EQUAL (keys.len, 0);
  write_text (note, "is no key and has no such name");
  chmod (path, 0777);
  expect_keys_error ("others may write");
  chmod (path, 0755);
  chmod (key, 0664);
  expect_keys_error ("ops.pem: others may write");
  chmod (key, 0644);
  write_text (junk, "-----BEGIN PUBLIC KEY-----\n");
  expect_keys_error ("junk.pem: is no Ed25519 key");
  unlink (junk);
  make_key ("curve", EVP_PKEY_X25519, true);
  expect_keys_error ("another kind than Ed25519");
  unlink (curve);
  read_keys (&keys);
  CU_ASSERT_EQUAL (keys.len, 1);
  CU_ASSERT_STRING_EQUAL (keys.ptr[0].name, "ops");
}

static void
test_set_up (void)
{
  CLEANUP_FREE char *keys = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
  keys = in_folder ("keys");
  CU_ASSERT_EQUAL_FATAL (mkdir (keys, 0755), 0);
  make_key ("ops", EVP_PKEY_ED25519, true);
  make_key ("stranger", EVP_PKEY_ED25519, false);
}

static void
test_clean_up (void)
{
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

static const struct unit_case cases[] = {
    {"set up", test_set_up},
    {"a good signature", test_signed},
    {"one changed byte", test_changed_bytes},
    {"signatures that are none", test_bad_signatures},
    {"a key nobody trusts", test_stranger},
    {"origins that lie", test_forged_origins},
    {"built-in recipes", test_built_in},
    {"the folder of trusted keys", test_trusted_folder},
    {"clean up", test_clean_up},
};
UNIT_MAIN ("signature", cases)
