#include "profile.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/shell-words.h>
#include <base/strbuf.h>
#include <base/text.h>

const char *
aws_variable (const struct aws_surroundings *around, const char *name)
{
  const char *value = around->variable (around->opaque, name);

  return value && *value ? value : NULL;
}

static char *
home_folder (const struct aws_surroundings *around)
{
  const char *home = aws_variable (around, "HOME");
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (home)
    return xstrdup (home);
  if (getpwuid_r (getuid (), &entry, buffer, sizeof buffer, &found) == 0 &&
      found)
    return xstrdup (found->pw_dir);
  return xstrdup ("/");
}

char *
aws_expand_home (const struct aws_surroundings *around, const char *path)
{
  CLEANUP_FREE char *home = NULL;

  if (path[0] != '~' || (path[1] != '/' && path[1] != '\0'))
    return xstrdup (path);
  home = home_folder (around);
  return path_join (home, path[1] ? path + 2 : "");
}

static char *
path_of (const struct aws_surroundings *around, const char *variable,
         const char *otherwise)
{
  const char *named = aws_variable (around, variable);

  return aws_expand_home (around, named ? named : otherwise);
}

/* A file that is not there is no error. */
static int
load_file (const char *path, struct ini **ret, struct err **err)
{
  struct secret *text;
  struct stat st;

  *ret = NULL;
  if (stat (path, &st) == -1) {
    if (errno == ENOENT || errno == ENOTDIR)
      return 0;
    return err_set_errno (err, errno, "%s", path);
  }
  if (S_ISDIR (st.st_mode))
    return 0;
  text = secret_read_file (path, INI_MAX_BYTES, err);
  if (text == NULL)
    return -1;
  *ret = ini_parse (text, path, err);
  return *ret ? 0 : -1;
}

/* "profile NAME" or "default"; anything else is no profile. */
static char *
name_of_section (const char *section)
{
  CLEANUP_STRV char **words = NULL;

  if (strcmp (section, "default") == 0)
    return xstrdup (section);
  if (strncmp (section, "profile", 7) != 0)
    return xstrdup ("");
  words = shell_words (section, NULL);
  if (words == NULL || strv_length (words) != 2)
    return xstrdup ("");
  return xstrdup (words[1]);
}

static bool
holds_keys (const struct ini *ini)
{
  for (size_t i = 0; ini_section (ini, i); i++)
    if (ini_get (ini, ini_section (ini, i), "aws_secret_access_key"))
      return true;
  return false;
}

static void
warn_of_readers (struct aws_profiles *p, const char *path,
                 const struct ini *ini)
{
  struct stat st;

  if (ini == NULL || p->warning || stat (path, &st) == -1 ||
      !(st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) || !holds_keys (ini))
    return;
  p->warning =
      xasprintf ("%s holds keys and can be %s by others: chmod 600 %s", path,
                 st.st_mode & (S_IWOTH | S_IWGRP) ? "changed" : "read", path);
}

int
aws_profiles_load (struct aws_profiles *p,
                   const struct aws_surroundings *around, struct err **err)
{
  memset (p, 0, sizeof *p);
  p->credentials_path =
      path_of (around, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  p->config_path = path_of (around, "AWS_CONFIG_FILE", "~/.aws/config");
  if (load_file (p->credentials_path, &p->credentials, err) == -1 ||
      load_file (p->config_path, &p->config, err) == -1) {
    aws_profiles_release (p);
    return -1;
  }
  for (size_t i = 0; p->config && ini_section (p->config, i); i++)
    str_vec_push (&p->names, name_of_section (ini_section (p->config, i)));
  warn_of_readers (p, p->credentials_path, p->credentials);
  warn_of_readers (p, p->config_path, p->config);
  return 0;
}

void
aws_profiles_release (struct aws_profiles *p)
{
  free (p->credentials_path);
  free (p->config_path);
  ini_free (p->credentials);
  ini_free (p->config);
  str_vec_free_all (&p->names);
  free (p->warning);
  memset (p, 0, sizeof *p);
}

/* The section of the config file; the last one counts if there are two
 * ([default] and [profile default]). */
static const char *
config_section (const struct aws_profiles *p, const char *profile)
{
  for (size_t i = p->names.len; i > 0; i--)
    if (strcmp (p->names.ptr[i - 1], profile) == 0)
      return ini_section (p->config, i - 1);
  return NULL;
}

bool
aws_profile_exists (const struct aws_profiles *p, const char *profile)
{
  return *profile &&
         (config_section (p, profile) ||
          (p->credentials && ini_has_section (p->credentials, profile)));
}

char *
aws_profile_names (const struct aws_profiles *p)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < p->names.len; i++)
    if (*p->names.ptr[i])
      strbuf_addf (&sb, "%s%s", sb.len ? ", " : "", p->names.ptr[i]);
  for (size_t i = 0; p->credentials && ini_section (p->credentials, i); i++) {
    const char *name = ini_section (p->credentials, i);

    if (config_section (p, name) == NULL &&
        ini_has_section (p->credentials, name))
      strbuf_addf (&sb, "%s%s", sb.len ? ", " : "", name);
  }
  return strbuf_take (&sb);
}

static const char *
one_line (const char *value)
{
  return value && value[0] != '\n' ? value : NULL;
}

const char *
aws_profile_in_credentials (const struct aws_profiles *p, const char *profile,
                            const char *key)
{
  return p->credentials ? one_line (ini_get (p->credentials, profile, key))
                        : NULL;
}

const char *
aws_profile_in_config (const struct aws_profiles *p, const char *profile,
                       const char *key)
{
  const char *section = config_section (p, profile);

  return section ? one_line (ini_get (p->config, section, key)) : NULL;
}

const char *
aws_profile_get (const struct aws_profiles *p, const char *profile,
                 const char *key)
{
  const char *value = aws_profile_in_credentials (p, profile, key);

  return value ? value : aws_profile_in_config (p, profile, key);
}

char *
aws_profile_endpoint (const struct aws_profiles *p, const char *profile,
                      const char *service)
{
  const char *services = aws_profile_get (p, profile, "services");
  const char *url = aws_profile_get (p, profile, "endpoint_url");

  for (size_t i = 0; services && p->config && ini_section (p->config, i); i++) {
    CLEANUP_STRV char **words = shell_words (ini_section (p->config, i), NULL);
    char *own;

    if (words == NULL || strv_length (words) != 2 ||
        strcmp (words[0], "services") != 0 || strcmp (words[1], services) != 0)
      continue;
    own = ini_nested (ini_get (p->config, ini_section (p->config, i), service),
                      "endpoint_url");
    if (own)
      return own;
  }
  return url && *url ? xstrdup (url) : NULL;
}
