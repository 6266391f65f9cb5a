sign-in-title = Anmelden
sign-in-heading = Mit deinem Konto auf { $pod } anmelden
sign-in-lead = Nimm den Namen und das Passwort, die du auf diesem Pod schon immer benutzt. Auf dem Pod ändert sich dadurch nichts.
sign-in-name = Benutzername oder E-Mail-Adresse
sign-in-password = Passwort
sign-in-button = Anmelden
sign-in-forgotten = Ich habe mein Passwort vergessen
sign-in-wrong = Benutzername oder Passwort ist falsch. Achte beim Passwort auf Groß- und Kleinschreibung. Ein geschlossenes Konto kann nicht mehr benutzt werden. Nach vielen falschen Passwörtern ist ein Konto 15 Minuten lang gesperrt; ein Link per E-Mail geht weiterhin.
sign-in-closed = Dieses Konto wurde geschlossen und kann nicht mehr benutzt werden. Wenn du das nicht warst, schreib den Podmins.
sign-in-locked = Die Podmins haben dieses Konto gesperrt. Bitte schreib ihnen.
sign-in-what-title = Was hier geschieht
sign-in-what-1 = Du meldest dich mit dem Konto an, das du schon hast.
sign-in-what-2 = Du drückst auf einen Knopf, und alles von dir kommt in eine Datei: Beiträge, Fotos, Kommentare, Nachrichten, Kontakte.
sign-in-what-3 = Du lädst die Datei herunter und bewahrst sie auf. Später kannst du damit auf einen anderen Pod umziehen, und deine Leute finden dich dort wieder.
sign-in-safe = Du kannst die Seite jederzeit schließen. Was du begonnen hast, läuft weiter, und nichts geht verloren.
signed-out = Du bist abgemeldet.
code-title = Zwei-Faktor-Authentifizierung
code-text = Gib die sechs Ziffern ein, die deine App anzeigt, oder einen deiner Wiederherstellungscodes.
code-label = Code
code-button = Weiter
code-wrong = Dieser Code stimmt nicht oder wurde schon benutzt. Warte, bis deine App den nächsten anzeigt, oder nimm einen anderen Wiederherstellungscode.
code-other = Mit einem anderen Konto anmelden
forgotten-title = Ohne Passwort anmelden
forgotten-text = Sag uns deinen Benutzernamen oder deine E-Mail-Adresse. Wir schreiben an die E-Mail-Adresse deines Kontos und schicken dir einen Link, der dich einmal hineinlässt. Dein Passwort auf dem Pod bleibt, wie es ist.
forgotten-button = Schickt mir den Link
forgotten-back = Zurück zur Anmeldung
forgotten-sent = Wenn es ein solches Konto gibt, ist eine E-Mail an seine Adresse unterwegs. Der Link darin gilt eine Stunde lang.
forgotten-sent-nothing = Nach ein paar Minuten ist nichts da? Sieh im Spam-Ordner nach oder versuch es mit einem anderen Namen. Wenn du an dieser Adresse keine E-Mails mehr lesen kannst, schreib den Podmins.
forgotten-no-mail = Dieser Dienst verschickt keine E-Mails. Bitte schreib den Podmins, sie können dir helfen.
link-title = Mit dem Link anmelden
link-text = Dieser Link meldet dich einmal in deinem Konto auf { $pod } an.
link-over-title = Dieser Link gilt nicht mehr
link-over-text = Ein Link gilt einmal und eine Stunde lang. Fordere einen neuen an.
link-over-again = Neuen Link anfordern
link-mail-subject = Dein Link für { $pod }
link-mail-body =
    Hallo,

    jemand, höchstwahrscheinlich du, möchte sich ohne Passwort als { $account } anmelden.

    Dieser Link lässt dich in der nächsten Stunde einmal hinein:

    { $link }

    Wenn du das nicht warst, brauchst du nichts zu tun: Ohne diese E-Mail kommt niemand hinein.

    Die Podmins von { $pod }
sign-in-what-2-off = Der Pod selbst ist abgeschaltet. Wenn ein Archiv von dir erstellt wurde, mit deinen Beiträgen, Fotos, Kommentaren, Nachrichten und Kontakten, ist es hier.
