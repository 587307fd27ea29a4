/* Every maximum of the program, with its reason. A limit that a user can reach is named in the
 * error that reports it. */
#ifndef KAIROS_BASE_CAPS_H
#define KAIROS_BASE_CAPS_H

enum {
    CAPS_THREADS = 256,          /* more workers than cores of any machine we know pays nothing */
    CAPS_COLUMNS = 16384,        /* a table wider than this is a matrix, not a customer table */
    CAPS_OPTION_LIST = 4096,     /* names in one list option, such as --drop */
    CAPS_JSON_DEPTH = 64,        /* nesting; deeper documents are attacks */
    CAPS_YAML_DEPTH = 32,        /* nesting; a campaign needs 4 */
    CAPS_YAML_NODES = 100000,    /* nodes in one YAML file */
    CAPS_OFFERS = 512,           /* offers in one campaign */
    CAPS_LINE_BYTES = 16 << 20,  /* one record of a text file */
    CAPS_FIELD_BYTES = 4 << 20,  /* one field of a record */
    CAPS_MLP_WIDTH = 8192,       /* units of a hidden layer; wider pays nothing on tables */
    CAPS_MLP_BATCH = 1 << 20,    /* rows of one gradient step */
    CAPS_MLP_EPOCHS = 100000,    /* passes over the rows */
    CAPS_BANDIT_FEATURES = 4096, /* a belief holds features^2 numbers */
    CAPS_BANDIT_WINDOW = 100000000, /* observations that a bandit keeps to forget them later */
    CAPS_MLP_PARAMETERS = 1 << 28,  /* 1 GiB of floats, and as much for each moment of Adam */
    CAPS_BEHAVE_ITEMS = 50000,  /* of the behaviour model: beyond, the full softmax costs hours */
    CAPS_BEHAVE_EPOCHS = 10000, /* passes over the sequences */
    CAPS_HTTP_HEADER_BYTES = 32 << 10, /* request line and headers of one HTTP request */
    CAPS_HTTP_BODY_BYTES = 16 << 20,   /* one body, unpacked: beyond, a packed one is an attack */
    CAPS_HTTP_GROUP = 64,              /* requests that share one commit */
    CAPS_HTTP_WORKERS = 4,             /* threads that answer: some read while others commit */
    CAPS_STORE_QUEUE = 200000,         /* events that wait to be written: some 100 MiB */
    CAPS_STORE_PORTION =
        1 << 16,               /* events copied by person at a time: newer ones cost a row each */
    CAPS_STORE_TAIL = 1 << 18, /* records of a side file's portion: read again at each start */
    CAPS_BEHAVE_TOKENS = 60000000, /* events learned from by default: an hour of two cores */
};

#define CAPS_TEXT_FILE_BYTES (64ll << 20)  /* a YAML or JSON file that is read whole */
#define CAPS_HTTP_HELD_BYTES (256ll << 20) /* bodies of all HTTP requests that wait or come in */
#define CAPS_BUF_BYTES (4ll << 30) /* a document that is built in memory, such as a report */
#define CAPS_ROWS (1ll << 31)      /* rows of one table held in memory */

#endif
