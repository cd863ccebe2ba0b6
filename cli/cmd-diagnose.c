/* `bootmend diagnose`: why disk images or VMs do not boot, and which recipe
 * would help.  Nothing is changed. */

#include "diagnose.h"

#include <string.h>

#include <providers/provider.h>

/* "libvirt:...", or a file of selectors. */
static bool
is_selector (const char *word)
{
  size_t len = strcspn (word, ":");
  CLEANUP_FREE char *name = xstrndup (word, len);

  return word[0] == '@' || (word[len] == ':' && provider_by_name (name));
}

int
cmd_diagnose (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  CLEANUP_PATIENTS struct patient_vec patients = VEC_EMPTY;
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = NULL;
  size_t selectors = 0;
  int r;

  for (size_t i = 0; i < args->len; i++)
    selectors += is_selector (args->ptr[i]);
  if (selectors && selectors < args->len)
    return err_set (err, ERR_USAGE,
                    "either images or selectors of VMs, not both at once");
  rules = diagnosis_rules_builtin (err);
  if (rules == NULL)
    return err_wrap (err, "the built-in rules");
  r = selectors ? diagnose_vms (cli, rules, &patients, err)
                : diagnose_images (cli, rules, &patients, err);
  if (r == -1)
    return -1;
  return diagnose_show (cli, &patients, selectors ? "vms" : "images");
}
