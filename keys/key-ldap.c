/* Active Directory: a computer's recovery passwords are objects below it.
 *
 *   ldaps://HOST/BASE     ldap://HOST/BASE (with StartTLS)     ldapi:///BASE
 *
 * [Microsoft, AD schema: class ms-FVE-RecoveryInformation, attributes
 * ms-FVE-RecoveryGuid (octets of the GUID) and ms-FVE-RecoveryPassword]
 *
 * Who asks: BOOTMEND_LDAP_BIND_DN with BOOTMEND_LDAP_PASSWORD or the content of
 * BOOTMEND_LDAP_PASSWORD_FILE; without these Kerberos (kinit), or over ldapi
 * the user of this process.  Keys and passwords go over an encrypted connection
 * or none at all, loopback apart. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <ldap.h>

#include <base/text.h>
#include <bitlocker/guid.h>

#include "source.h"

#define LIMIT_S    20
#define MAX_SECRET 4096

struct ldap_access {
  char *server; /* "ldaps://host:636" */
  char *base;   /* "": the server's default */
  bool local;   /* nothing goes over a network */
  bool plain;   /* ldap://: wants StartTLS */
  bool socket;  /* ldapi:// */
  char *bind_dn;
  struct secret *password;
};

static int
read_credentials (struct ldap_access *access, struct err **err)
{
  const char *dn = getenv ("BOOTMEND_LDAP_BIND_DN");
  const char *password = getenv ("BOOTMEND_LDAP_PASSWORD");
  const char *file = getenv ("BOOTMEND_LDAP_PASSWORD_FILE");
  size_t len;

  if (dn == NULL || *dn == '\0')
    return 0;
  access->bind_dn = xstrdup (dn);
  if (password)
    access->password = secret_new (password, strlen (password));
  else if (file) {
    CLEANUP_SECRET struct secret *whole =
        secret_read_file (file, MAX_SECRET, err);

    if (whole == NULL)
      return err_wrap (err, "BOOTMEND_LDAP_PASSWORD_FILE");
    len = strcspn (whole->data, "\r\n");
    access->password = secret_new (whole->data, len);
  }
  if (access->password == NULL || access->password->len == 0)
    return err_set (err, ERR_USAGE,
                    "BOOTMEND_LDAP_BIND_DN is set, but neither "
                    "BOOTMEND_LDAP_PASSWORD nor BOOTMEND_LDAP_PASSWORD_FILE "
                    "gives a password");
  return 0;
}

static int
open_ldap (struct key_source *source, struct err **err)
{
  struct ldap_access *access = xcalloc (1, sizeof *access);
  LDAPURLDesc *url = NULL;

  source->data = access;
  if (ldap_url_parse (source->place, &url) != LDAP_URL_SUCCESS)
    return err_set (err, ERR_USAGE, "it is no LDAP URL");
  access->socket = strcmp (url->lud_scheme, "ldapi") == 0;
  access->plain = strcmp (url->lud_scheme, "ldap") == 0;
  access->local =
      access->socket || (url->lud_host && key_host_is_loopback (url->lud_host));
  access->base = xstrdup (url->lud_dn ? url->lud_dn : "");
  free (url->lud_dn);
  url->lud_dn = NULL;
  {
    char *text = ldap_url_desc2str (url);

    access->server = xstrdup (text ? text : source->place);
    ldap_memfree (text);
  }
  ldap_free_urldesc (url);
  return read_credentials (access, err);
}

static void
close_ldap (struct key_source *source)
{
  struct ldap_access *access = source->data;

  if (access == NULL)
    return;
  free (access->server);
  free (access->base);
  free (access->bind_dn);
  secret_free (access->password);
  free (access);
}

static int
ldap_error (LDAP *ld, int code, const char *what, struct err **err)
{
  char *more = NULL;
  CLEANUP_FREE char *printable = NULL;

  if (ld)
    ldap_get_option (ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
  printable = text_printable (more ? more : "");
  ldap_memfree (more);
  return err_set (err,
                  code == LDAP_INVALID_CREDENTIALS ? ERR_AUTH : ERR_TRANSIENT,
                  "%s: %s%s%s", what, ldap_err2string (code),
                  *printable ? ": " : "", printable);
}

/* Kerberos and EXTERNAL need no words from us (Kerberos: a guess, no Kerberos
 * realm was at hand; a bind to a real domain with kinit would confirm it). */
static int
no_words (LDAP *ld, unsigned flags, void *defaults, void *interact)
{
  (void)ld;
  (void)flags;
  (void)defaults;
  (void)interact;
  return LDAP_SUCCESS;
}

static int
bind_to (LDAP *ld, const struct ldap_access *access)
{
  struct berval password;

  if (access->bind_dn == NULL)
    return ldap_sasl_interactive_bind_s (ld, NULL,
                                         access->socket ? "EXTERNAL" : "GSSAPI",
                                         NULL, NULL, LDAP_SASL_QUIET, no_words,
                                         NULL);
  password.bv_val = access->password->data;
  password.bv_len = access->password->len;
  return ldap_sasl_bind_s (ld, access->bind_dn, LDAP_SASL_SIMPLE, &password,
                           NULL, NULL, NULL);
}

static LDAP *
connect_to (const struct ldap_access *access, struct err **err)
{
  struct timeval limit = {.tv_sec = LIMIT_S};
  int version = LDAP_VERSION3, code;
  LDAP *ld = NULL;

  code = ldap_initialize (&ld, access->server);
  if (code != LDAP_SUCCESS) {
    ldap_error (NULL, code, access->server, err);
    return NULL;
  }
  ldap_set_option (ld, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option (ld, LDAP_OPT_NETWORK_TIMEOUT, &limit);
  ldap_set_option (ld, LDAP_OPT_TIMEOUT, &limit);
  /* a referral would take the password to another server */
  ldap_set_option (ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  if (access->plain && !access->local) {
    code = ldap_start_tls_s (ld, NULL, NULL);
    if (code != LDAP_SUCCESS)
      ldap_error (ld, code, "no encrypted connection (StartTLS)", err);
  }
  if (code == LDAP_SUCCESS) {
    code = bind_to (ld, access);
    if (code != LDAP_SUCCESS)
      ldap_error (ld, code, "bind", err);
  }
  if (code == LDAP_SUCCESS)
    return ld;
  ldap_unbind_ext_s (ld, NULL, NULL);
  return NULL;
}

static LDAPMessage *
search (LDAP *ld, const char *base, int scope, const char *filter,
        const char *attribute, struct err **err)
{
  struct timeval limit = {.tv_sec = LIMIT_S};
  char *attributes[] = {(char *)attribute, NULL};
  LDAPMessage *found = NULL;
  int code = ldap_search_ext_s (ld, base, scope, filter, attributes, 0, NULL,
                                NULL, &limit, 100, &found);

  if (code == LDAP_SUCCESS)
    return found;
  ldap_msgfree (found);
  ldap_error (ld, code, "search", err);
  return NULL;
}

/* Active Directory says itself where its computers are. */
static char *
default_base (LDAP *ld, struct err **err)
{
  LDAPMessage *found = search (ld, "", LDAP_SCOPE_BASE, "(objectClass=*)",
                               "defaultNamingContext", err);
  struct berval **values;
  char *base = NULL;

  if (found == NULL)
    return NULL;
  values = ldap_get_values_len (ld, ldap_first_entry (ld, found),
                                "defaultNamingContext");
  if (values && values[0])
    base = xstrndup (values[0]->bv_val, values[0]->bv_len);
  ldap_value_free_len (values);
  ldap_msgfree (found);
  if (base == NULL)
    err_set (err, ERR_USAGE,
             "the server names no default base: give one, as in "
             "ldaps://HOST/DC=example,DC=com");
  return base;
}

static void
take_passwords (LDAP *ld, LDAPMessage *found, const struct key_source *source,
                const char *guid, struct key_answer *answer)
{
  for (LDAPMessage *entry = ldap_first_entry (ld, found); entry;
       entry = ldap_next_entry (ld, entry)) {
    struct berval **values =
        ldap_get_values_len (ld, entry, "msFVE-RecoveryPassword");

    for (size_t i = 0; values && values[i]; i++) {
      key_answer_add (answer, source, NULL, guid, values[i]->bv_val,
                      values[i]->bv_len);
      wipe (values[i]->bv_val, values[i]->bv_len);
    }
    ldap_value_free_len (values);
  }
}

static int
find_one (LDAP *ld, const char *base, const struct key_source *source,
          const char *text, struct key_answer *answer, struct err **err)
{
  unsigned char guid[GUID_BYTES];
  char octets[3 * GUID_BYTES + 1];
  CLEANUP_FREE char *filter = NULL;
  LDAPMessage *found;

  if (!guid_from_text (text, guid))
    return 0;
  for (int i = 0; i < GUID_BYTES; i++)
    snprintf (octets + 3 * i, 4, "\\%02x", guid[i]);
  filter = xasprintf ("(&(objectClass=msFVE-RecoveryInformation)"
                      "(msFVE-RecoveryGuid=%s))",
                      octets);
  found = search (ld, base, LDAP_SCOPE_SUBTREE, filter,
                  "msFVE-RecoveryPassword", err);
  if (found == NULL)
    return -1;
  take_passwords (ld, found, source, text, answer);
  ldap_msgfree (found);
  return 0;
}

static int
find_ldap (const struct key_source *source, const struct key_query *query,
           struct key_answer *answer, struct err **err)
{
  const struct ldap_access *access = source->data;
  LDAP *ld = connect_to (access, err);
  CLEANUP_FREE char *base = NULL;
  json_t *protector;
  size_t i;
  int r = 0;

  if (ld == NULL)
    return -1;
  base = access->base[0] ? xstrdup (access->base) : default_base (ld, err);
  if (base == NULL)
    r = -1;
  json_array_foreach (json_object_get (query->volume, "protectors"), i,
                      protector)
  {
    if (r == 0 &&
        strcmp (json_str (protector, "type", ""), "recovery-password") == 0)
      r = find_one (ld, base, source, json_str (protector, "guid", ""), answer,
                    err);
  }
  ldap_unbind_ext_s (ld, NULL, NULL);
  return r;
}

const struct key_source_kind key_ldap = {"ldap://", open_ldap, find_ldap,
                                         close_ldap};
const struct key_source_kind key_ldaps = {"ldaps://", open_ldap, find_ldap,
                                          close_ldap};
const struct key_source_kind key_ldapi = {"ldapi://", open_ldap, find_ldap,
                                          close_ldap};
