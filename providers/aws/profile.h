/* Profiles: the two shared files as one.
 *
 * A profile is [NAME] in the credentials file and [profile NAME] (or
 * [default]) in the config file.  Where both have a key, the credentials file
 * counts.  Either file may be missing. */

#ifndef BOOTMEND_AWS_PROFILE_H
#define BOOTMEND_AWS_PROFILE_H

#include <base/vec.h>

#include "credentials.h"
#include "ini.h"

struct aws_profiles {
  char *credentials_path, *config_path;
  struct ini *credentials, *config; /* NULL: no such file */
  struct str_vec names;             /* of config's sections; "": no profile */
  char *warning; /* the keys can be read by others; NULL if not */
};

/* AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, else below ~/.aws.  -1 for a
 * file that is malformed or can't be read. */
int aws_profiles_load (struct aws_profiles *p,
                       const struct aws_surroundings *around,
                       struct err **err) ATTR_USE;
void aws_profiles_release (struct aws_profiles *p);
#define CLEANUP_AWS_PROFILES CLEANUP (aws_profiles_release)

bool aws_profile_exists (const struct aws_profiles *p, const char *profile);
/* "default, prod": for messages. */
char *aws_profile_names (const struct aws_profiles *p);

/* NULL: not set (or a value of lines). */
const char *aws_profile_get (const struct aws_profiles *p, const char *profile,
                             const char *key);
/* From one file only. */
const char *aws_profile_in_credentials (const struct aws_profiles *p,
                                        const char *profile, const char *key);
const char *aws_profile_in_config (const struct aws_profiles *p,
                                   const char *profile, const char *key);

/* Where a service is to be called instead of its own address, by the profile:
 * its section [services NAME] or endpoint_url; NULL: its own. */
char *aws_profile_endpoint (const struct aws_profiles *p, const char *profile,
                            const char *service);

/* "~/x" with the home folder put in. */
char *aws_expand_home (const struct aws_surroundings *around, const char *path);

/* The environment's variable; NULL if it is not set or empty. */
const char *aws_variable (const struct aws_surroundings *around,
                          const char *name);

#endif
