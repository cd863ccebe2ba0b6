/* Keys that the controller sent, and which of them to try on what.
 *
 * A key that names its protector is tried on that one only; one that names
 * none on all that it could open, but not for ever: each trial of a text on
 * BitLocker takes some 0.3 s, on LUKS several seconds. */

#ifndef BOOTMEND_KEY_TRIALS_H
#define BOOTMEND_KEY_TRIALS_H

#include <base/json.h>
#include <base/secret.h>
#include <base/vec.h>

struct encryption;

#define KEY_TRIALS_BITLOCKER 16
#define KEY_TRIALS_LUKS      8

struct key_trial {
  char *protector; /* GUID or UUID; NULL: not said */
  char *source;    /* where it is from, for people; printable */
  struct secret *bytes;
};
DEFINE_VEC (struct key_trial, key_trials);

/* `answer` is "keys" of protocol/protocol.h; NULL: there are none. */
void key_trials_read (struct key_trials *keys, const json_t *answer);
void key_trials_free (struct key_trials *keys);

/* True: *volume_key is the key of the volume and *by says which protector was
 * opened.  Else e may have been closed with a reason ("key-wrong"). */
bool key_trials_bitlocker (const struct key_trials *keys, struct encryption *e,
                           struct secret **volume_key, char **by);

bool key_trial_suits_luks (const struct key_trial *key, const char *uuid);

#endif
