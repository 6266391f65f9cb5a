sign-in-title = Anmelden
sign-in-heading = Mit deinem Konto auf { $pod } anmelden
sign-in-lead = Gib den Benutzernamen und das Passwort ein, die du auf diesem Pod benutzt. Auf dem Pod ändert sich dadurch nichts.
sign-in-name = Benutzername oder E-Mail-Adresse
sign-in-password = Passwort
sign-in-button = Anmelden
sign-in-forgotten = Ich habe mein Passwort vergessen
sign-in-forgotten-helps = Wir schicken dir einen Link per E-Mail. Er funktioniert auch nach vielen falschen Passwörtern.
sign-in-wrong = Benutzername oder Passwort ist falsch. Achte beim Passwort auf Groß- und Kleinschreibung. Mit einem geschlossenen Konto kannst du dich nicht anmelden. Nach vielen falschen Passwörtern ist ein Konto 15 Minuten lang gesperrt, auch für das richtige.
sign-in-closed = Dieses Konto wurde geschlossen und kann nicht mehr benutzt werden. Wenn du das nicht warst, schreib dem Podmin.
sign-in-locked = Der Podmin hat dieses Konto gesperrt. Bitte schreib ihm.
sign-in-what-title = So funktioniert es
sign-in-what-1 = Du meldest dich mit dem Konto an, das du schon hast.
sign-in-what-2 = Du klickst auf eine Schaltfläche, und alles von dir kommt in eine Datei: Beiträge, Fotos, Kommentare, Nachrichten, Kontakte.
sign-in-what-3 = Du lädst die Datei herunter und bewahrst sie auf. Später kannst du damit auf einen anderen Pod umziehen, wo deine Freunde dich wiederfinden.
sign-in-safe = Du kannst die Seite jederzeit schließen. Was du begonnen hast, läuft weiter, und nichts geht verloren.
signed-out = Du bist abgemeldet.
session-over = Du warst nicht mehr angemeldet, daher wurde nichts geändert. Melde dich an und versuch es noch einmal.
code-title = Zwei-Faktor-Authentifizierung
code-text = Gib die sechs Ziffern ein, die deine App anzeigt, oder einen deiner Wiederherstellungscodes.
code-label = Code
code-button = Weiter
code-wrong = Dieser Code stimmt nicht oder wurde schon benutzt. Warte, bis deine App den nächsten anzeigt, oder nimm einen anderen Wiederherstellungscode.
code-renew = App und Wiederherstellungscodes verloren? Wenn ein anderer Browser noch auf { $pod } angemeldet ist, bekommst du dort neue:
code-lost = App und Wiederherstellungscodes verloren? Schreib dem Podmin von der E-Mail-Adresse deines Kontos:
code-lost-otherwise = Sonst schreib dem Podmin von der E-Mail-Adresse deines Kontos:
code-cancel = Abbrechen und neu anmelden
forgotten-title = Ohne Passwort anmelden
forgotten-text = Gib deinen Benutzernamen oder deine E-Mail-Adresse ein. Wir schicken dir eine E-Mail mit einem Link, der dich einmal anmeldet. Dein Passwort auf dem Pod bleibt, wie es ist.
forgotten-button = Link anfordern
forgotten-back = Zurück zur Anmeldung
forgotten-sent = Wenn es ein solches Konto gibt, ist eine E-Mail an seine Adresse unterwegs. Der Link darin gilt eine Stunde lang.
forgotten-sent-nothing = Nach ein paar Minuten ist nichts da? Sieh im Spam-Ordner nach oder versuch es mit einem anderen Namen. Wenn du an dieser Adresse keine E-Mails mehr lesen kannst, schreib dem Podmin.
forgotten-no-mail = Dieser Dienst verschickt keine E-Mails. Bitte schreib dem Podmin, er kann dir helfen.
link-title = Mit dem Link anmelden
link-text = Dieser Link meldet dich einmal in deinem Konto auf { $pod } an.
link-over-title = Dieser Link funktioniert nicht mehr
link-over-text = Ein Link funktioniert nur einmal und nur eine Stunde lang. Fordere einen neuen an.
link-over-again = Neuen Link anfordern
link-mail-subject = Dein Link für { $pod }
link-mail-body =
    Hallo,

    jemand, höchstwahrscheinlich du, möchte sich ohne Passwort als { $account } anmelden.

    Dieser Link meldet dich innerhalb der nächsten Stunde einmal an:

    { $link }

    Wenn du das nicht warst, kannst du diese E-Mail ignorieren: Ohne den Link kann sich niemand anmelden.

    Der Podmin von { $pod }
sign-in-what-2-off = Der Pod selbst ist abgeschaltet. Wenn ein Archiv von dir erstellt wurde, mit deinen Beiträgen, Fotos, Kommentaren, Nachrichten und Kontakten, ist es hier.
