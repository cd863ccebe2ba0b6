#include "vault-place.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/strbuf.h>
#include <net/url-rules.h>

#include "source.h"

#define NAME_MAX_LEN 24 /* of a vault */
#define SECRET_MAX_LEN                                                         \
  127 /* [Key Vault, "Objects, identifiers, versioning"]                       \
       */

static const char *const words[] = {"{protector}", "{computer}", "{vm}"};

static bool
may_stand_in_name (char c)
{
  return isalnum ((unsigned char)c) || c == '-';
}

static bool
is_name (const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (!may_stand_in_name (text[i]))
      return false;
  return len > 0;
}

/* Which of the words stands there; NULL: none. */
static const char *
word_at (const char *text)
{
  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (strncmp (text, words[i], strlen (words[i])) == 0)
      return words[i];
  return NULL;
}

static int
check_secret (const char *secret, struct err **err)
{
  for (const char *p = secret; *p; p++) {
    const char *word = word_at (p);

    if (word)
      p += strlen (word) - 1;
    else if (!may_stand_in_name (*p))
      return err_set (err, ERR_USAGE,
                      "\"%s\" is no name of a secret: it may hold letters, "
                      "digits, -, and {protector}, {computer}, {vm}",
                      secret);
  }
  return 0;
}

/* "", "SECRET", "secrets/SECRET", "secrets/SECRET/VERSION" */
static int
read_path (struct vault_place *place, const char *path, struct err **err)
{
  size_t len;

  if (strncasecmp (path, "secrets/", 8) == 0)
    path += 8;
  if (strpbrk (path, "?#"))
    return err_set (err, ERR_USAGE, "its address is to end with the secret");
  len = strcspn (path, "/");
  if (len == 0)
    return 0;
  place->secret = xstrndup (path, len);
  path += len;
  path += *path == '/';
  if (*path) {
    len = strcspn (path, "/");
    if (!is_name (path, len) || path[len])
      return err_set (err, ERR_USAGE, "\"%s\" is no version of a secret", path);
    place->version = xstrdup (path);
  }
  return check_secret (place->secret, err);
}

static int
read_host (struct vault_place *place, const char *cloud, struct err **err)
{
  CLEANUP_URL_FACTS struct url_facts facts = {0};
  size_t len = strlen (place->base);

  if (url_check (place->base, &facts, err) == -1)
    return -1;
  place->host = xstrdup (facts.host);
  place->local = key_host_is_loopback (facts.host);
  if (!facts.plain_http && len > 4 &&
      strcmp (place->base + len - 4, ":443") == 0)
    place->base[len - 4] = '\0';
  place->cloud = place->local ? azure_cloud_by_name (cloud, err)
                              : azure_cloud_of_vault (facts.host);
  if (place->local)
    return place->cloud ? 0 : -1;
  if (place->cloud == NULL || facts.plain_http)
    return err_set (err, ERR_USAGE,
                    "%s is no Key Vault: its address is like "
                    "https://NAME.vault.azure.net (or .vault.azure.cn, "
                    ".vault.usgovcloudapi.net); tokens go nowhere else",
                    facts.host);
  return 0;
}

int
vault_place_parse (struct vault_place *place, const char *text,
                   const char *cloud, struct err **err)
{
  const char *scheme = strstr (text, "://");
  const char *host = scheme ? scheme + 3 : text;
  size_t len = strcspn (host, "/");
  const char *path = host + len + (host[len] == '/');

  memset (place, 0, sizeof *place);
  if (scheme)
    place->base = xstrndup (text, (size_t)(host - text) + len);
  else if (memchr (host, '.', len))
    place->base = xasprintf ("https://%.*s", (int)len, host);
  else {
    const struct azure_cloud *named = azure_cloud_by_name (cloud, err);

    if (named == NULL)
      return -1;
    if (!is_name (host, len) || len > NAME_MAX_LEN)
      return err_set (err, ERR_USAGE,
                      "\"%.*s\" is no name of a Key Vault: letters, digits and "
                      "-, at most %d",
                      (int)len, host, NAME_MAX_LEN);
    place->base = xasprintf ("https://%.*s.%s", (int)len, host,
                             named->vault + strlen ("https://"));
  }
  if (read_host (place, cloud, err) == -1)
    return -1;
  return read_path (place, path, err);
}

void
vault_place_release (struct vault_place *place)
{
  free (TAKE (place->base));
  free (TAKE (place->host));
  free (TAKE (place->secret));
  free (TAKE (place->version));
}

char *
vault_place_fill (const char *secret, const char *protector,
                  const char *computer, const char *vm)
{
  const char *const values[] = {protector, computer, vm};
  CLEANUP_STRBUF struct strbuf name = STRBUF_EMPTY;

  for (const char *p = secret; *p; p++) {
    const char *word = word_at (p), *value = NULL;

    if (word == NULL) {
      strbuf_addch (&name, *p);
      continue;
    }
    for (size_t i = 0; i < ARRAY_SIZE (words); i++)
      if (words[i] == word)
        value = values[i];
    if (value == NULL || *value == '\0')
      return NULL;
    for (; *value; value++)
      strbuf_addch (&name, may_stand_in_name (*value) ? *value : '-');
    p += strlen (word) - 1;
  }
  if (name.len == 0 || name.len > SECRET_MAX_LEN)
    return NULL;
  return strbuf_take (&name);
}
