tokens-title = Token für Programme
tokens-lead = Um dein Archiv herunterzuladen, brauchst du kein Token. Token sind für eigene Programme: Ein Programm kann damit hier für dich handeln, ohne dein Passwort zu kennen. Token werden ungültig, wenn sich auf dem Pod dein Passwort oder dein zweiter Faktor ändert.
tokens-api = Was Programme hier tun können (auf Englisch)
done-token-revoked = Das Token ist widerrufen: Kein Programm kann es mehr benutzen.
tokens-name = Wofür
tokens-may = Was das Programm darf
tokens-made-at = Erstellt
tokens-used-at = Zuletzt benutzt
tokens-never = nie
tokens-ends = Gültig bis
tokens-revoke = Widerrufen
tokens-revoke-one = „{ $name }“ widerrufen
tokens-none = Du hast keine Token.
tokens-new = Ein Token erstellen
tokens-days = Für wie viele Tage (1 bis 366)
tokens-make = Token erstellen
tokens-made = Dein neues Token
tokens-made-text = Kopiere es jetzt: Es wird nicht noch einmal angezeigt. Wer es hat, darf, was in der Tabelle steht.
tokens-senseless = Ein Token braucht einen Namen von höchstens 100 Zeichen, etwas, das das Programm darf, und 1 bis 366 Tage.
tokens-many = Es gibt schon 20 Token. Widerrufe zuerst einen.
tokens-scope-read = Anfragen und Archive sehen
tokens-scope-request = Archive anfordern und Anfragen zurückziehen
tokens-scope-download = Archive herunterladen, die den Schlüssel des Kontos enthalten
tokens-scope-board-read = die Verwaltung für Podmins sehen
tokens-scope-board-write = in der Verwaltung für Podmins handeln
token-mail-subject = Ein neues Token für { $account }
token-mail-body =
    Hallo,

    für { $account } wurde ein Token namens „{ $name }“ erstellt. Ein Programm, das es hat, kann für dieses Konto handeln.

    Wenn du das warst, ist nichts zu tun. Wenn nicht, widerrufe es hier und ändere dein Passwort auf dem Pod:
    { $page }
