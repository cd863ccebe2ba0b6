/* A certificate authority for tests, made anew in each run. */

#ifndef BOOTMEND_TEST_CERTS_H
#define BOOTMEND_TEST_CERTS_H

struct certs {
  char *ca_pem;
  char *key_pem;     /* the servers' key */
  char *good_pem;    /* for 127.0.0.1 and localhost */
  char *other_pem;   /* for another.example */
  char *expired_pem; /* for 127.0.0.1, ended yesterday */
};

void certs_make (struct certs *certs);
void certs_release (struct certs *certs);

#endif
