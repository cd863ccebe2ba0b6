/* What `bootmend diagnose` of images and of VMs share. */

#ifndef BOOTMEND_CLI_DIAGNOSE_H
#define BOOTMEND_CLI_DIAGNOSE_H

#include <base/vec.h>
#include <diagnoses/diagnoses.h>

#include "command.h"

struct patient {
  char *name;
  json_t *diagnoses; /* see diagnose (); NULL: nothing could be read */
  json_t *seen;      /* facts of its disk: [{fact, what, value}]; or NULL */
  char *problem;     /* why not */
  char *problem_id;  /* "refused", "no-console", ... */
};
DEFINE_VEC (struct patient, patient_vec);

void patients_release (struct patient_vec *patients);
#define CLEANUP_PATIENTS CLEANUP (patients_release)

void patient_add (struct patient_vec *patients,
                  const struct diagnosis_rules *rules, const char *name,
                  const json_t *findings);
void patient_add_problem (struct patient_vec *patients, const char *name,
                          const char *id, const char *problem);

/* Prints all of it and returns the exit code; what: "vms" or "images". */
int diagnose_show (const struct cli *cli, struct patient_vec *patients,
                   const char *what);

int diagnose_images (struct cli *cli, const struct diagnosis_rules *rules,
                     struct patient_vec *patients, struct err **err) ATTR_USE;
int diagnose_vms (struct cli *cli, const struct diagnosis_rules *rules,
                  struct patient_vec *patients, struct err **err) ATTR_USE;

#endif
