/* Which vault an operator's word means, and which it can't. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <keys/source.h>
#include <keys/vault-place.h>

static const struct {
  const char *text, *base, *secret, *says;
} places[] = {
    {"corp", "https://corp.vault.azure.cn", NULL, NULL},
    {"corp.vault.azure.net", "https://corp.vault.azure.net", NULL, NULL},
    {"https://corp.vault.azure.net:443/", "https://corp.vault.azure.net", NULL,
     NULL},
    {"https://corp.vault.usgovcloudapi.net",
     "https://corp.vault.usgovcloudapi.net", NULL, NULL},
    {"https://corp.vault.azure.net/secrets/a-1", "https://corp.vault.azure.net",
     "a-1", NULL},
    {"corp/a-{vm}", "https://corp.vault.azure.cn", "a-{vm}", NULL},
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080", NULL, NULL},
    {"corp/a_b", NULL, NULL, "no name of a secret"},
    {"corp/{guid}", NULL, NULL, "no name of a secret"},
    {"corp_1", NULL, NULL, "no name of a Key Vault"},
    {"a-name-that-is-longer-than-24", NULL, NULL, "no name of a Key Vault"},
    {"https://corp.example", NULL, NULL, "is no Key Vault"},
    {"https://vault.azure.net", NULL, NULL, "is no Key Vault"},
    {"https://corp.vault.azure.net.example", NULL, NULL, "is no Key Vault"},
    {"https://corp-vault.azure.net", NULL, NULL, "is no Key Vault"},
    {"http://corp.vault.azure.net", NULL, NULL, "without TLS"},
    {"http://169.254.169.254", NULL, NULL, "is no Key Vault"},
    {"http://127.0.0.1.example", NULL, NULL, "without TLS"},
    {"https://me@corp.vault.azure.net", NULL, NULL, "user name"},
    {"https://corp.vault.azure.net/secrets/a?x=1", NULL, NULL, "end with"},
    {"ftp://corp.vault.azure.net", NULL, NULL, "not an https address"},
};

static void
test_places (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    CLEANUP_ERR struct err *err = NULL;
    struct vault_place place;
    int r = vault_place_parse (&place, places[i].text, "china", &err);

    CU_ASSERT_EQUAL (r, places[i].base ? 0 : -1);
    if (r == 0 && places[i].base) {
      CU_ASSERT_STRING_EQUAL (place.base, places[i].base);
      CU_ASSERT_STRING_EQUAL (place.secret ? place.secret : "",
                              places[i].secret ? places[i].secret : "");
    } else if (err && strstr (err->msg, places[i].says) == NULL) {
      fprintf (stderr, "%s: %s\n", places[i].text, err->msg);
      CU_FAIL ("place");
    }
    vault_place_release (&place);
  }
}

static void
test_loopback (void)
{
  CU_ASSERT_TRUE (key_host_is_loopback ("localhost"));
  CU_ASSERT_TRUE (key_host_is_loopback ("127.1.2.3"));
  CU_ASSERT_TRUE (key_host_is_loopback ("::1"));
  CU_ASSERT_FALSE (key_host_is_loopback ("127.0.0.1.example"));
  CU_ASSERT_FALSE (key_host_is_loopback ("127.example"));
  CU_ASSERT_FALSE (key_host_is_loopback ("169.254.169.254"));
  CU_ASSERT_FALSE (key_host_is_loopback (""));
}

/* What no name may hold is replaced; what is not known makes none. */
static void
test_names (void)
{
  static const struct {
    const char *secret, *computer, *vm, *name;
  } rows[] = {
      {"bl-{computer}-{vm}", "PC_7", "web.1", "bl-PC-7-web-1"},
      {"{computer}", NULL, "web.1", NULL},
      {"{computer}", "", "web.1", NULL},
      {"plain", NULL, NULL, "plain"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *name =
        vault_place_fill (rows[i].secret, NULL, rows[i].computer, rows[i].vm);

    CU_ASSERT_STRING_EQUAL (name ? name : "none",
                            rows[i].name ? rows[i].name : "none");
  }
}

static const struct unit_case cases[] = {
    {"words", test_places},
    {"loopback", test_loopback},
    {"names of secrets", test_names},
};

UNIT_MAIN ("keys/vault-place", cases)
